/**
 * Centrifuge with recovery, in Protobuf: whoever subscribes says the epoch and the offset at which he stood, and the answer
 * holds the publications behind them.
 */
import { nameOf } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';
import type { Place, Resumption } from './resumption.ts';

/** Numbers of fields, as in `client.proto`. */
const command = { id: 1, connect: 4, subscribe: 5 } as const;
const request = { channel: 1, recover: 3, epoch: 6, offset: 7 } as const;
const reply = { error: 2, push: 4, connect: 5, subscribe: 6 } as const;
const push = { publication: 4 } as const;
const result = { epoch: 6, publications: 7, recovered: 8, offset: 9 } as const;
const publication = { data: 4, offset: 6 } as const;

/** A reply without a field is a ping, a command without one a pong. */
const pong = clientFrame(2, Buffer.from([0]));

export function centrifugeResumption(recordBytes: number): Resumption {
  return {
    form: binaryRecords,
    subprotocol: 'centrifuge-protobuf',
    visit(visitor, channel, place) {
      let epoch = '';
      return {
        hello: clientFrame(2, commandOf(1, command.connect, [])),
        join: clientFrame(2, commandOf(2, command.subscribe, wish(channel, place))),
        listen(bytes, offset, size) {
          for (const { from, to } of delimited(bytes, offset, offset + size)) {
            if (from === to) visitor.send(pong);
            for (const { number, from: start, to: end } of fieldsOf(bytes, from, to))
              if (number === reply.connect) visitor.opened();
              else if (number === reply.subscribe) answered(bytes, start, end);
              else if (number === reply.push) pushed(bytes, start, end);
              else if (number === reply.error) visitor.mangled();
          }
        },
      };

      function answered(bytes: Buffer, from: number, to: number): void {
        let recovered = false;
        let offset = 0;
        for (const { number, from: start, to: end, value } of fieldsOf(bytes, from, to))
          if (number === result.epoch) epoch = bytes.toString('latin1', start, end);
          else if (number === result.recovered) recovered = value === 1;
          else if (number === result.offset) offset = value;
          else if (number === result.publications) published(bytes, start, end);
        if (place === null) visitor.stands({ epoch, offset });
        visitor.joined(place === null || recovered);
      }

      function pushed(bytes: Buffer, from: number, to: number): void {
        for (const { number, from: start, to: end } of fieldsOf(bytes, from, to))
          if (number === push.publication) published(bytes, start, end);
      }

      function published(bytes: Buffer, from: number, to: number): void {
        for (const { number, from: start, to: end, value } of fieldsOf(bytes, from, to))
          if (number === publication.data) {
            if (end - start === recordBytes) visitor.records(bytes, start, 1, recordBytes);
            else visitor.mangled();
          } else if (number === publication.offset && place === null)
            visitor.stands({ epoch, offset: value });
      }
    },
  };
}

function wish(channel: number, place: Place | null): Buffer[] {
  const name = field(request.channel, Buffer.from(nameOf(channel)));
  if (place === null) return [name];
  return [
    name,
    number(request.recover, 1),
    field(request.epoch, Buffer.from(String(place.epoch))),
    number(request.offset, Number(place.offset)),
  ];
}

interface Field {
  number: number;
  /** Of the bytes of a field with a length. */
  from: number;
  to: number;
  /** Of a number. */
  value: number;
}

/** Messages behind their lengths. */
function* delimited(bytes: Buffer, from: number, to: number): Generator<{ from: number; to: number }> {
  for (let at = from; at < to; ) {
    const { value: length, next } = varintAt(bytes, at);
    yield { from: next, to: next + length };
    at = next + length;
  }
}

/** Of a message of numbers and of fields with a length, which is all that there is here. */
function* fieldsOf(bytes: Buffer, from: number, to: number): Generator<Field> {
  for (let at = from; at < to; ) {
    const tag = varintAt(bytes, at);
    const { value, next } = varintAt(bytes, tag.next);
    const end = (tag.value & 7) === 2 ? next + value : next;
    yield { number: tag.value >> 3, from: next, to: end, value };
    at = end;
  }
}

function varintAt(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  let next = at;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[next++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next };
  }
}

/** A command behind its length. */
function commandOf(id: number, what: number, fields: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([number(command.id, id), field(what, Buffer.concat(fields))]);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function field(what: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(what << 3) | 2]), varint(bytes.length), bytes]);
}

function number(what: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([what << 3]), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
