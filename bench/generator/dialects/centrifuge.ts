/**
 * The protocol of Centrifuge and Centrifugo in Protobuf: a WebSocket message is one reply or many, each behind its length.
 *
 * The record is the last field of a publication, which is the last of a push, which is the last of its reply: a record ends
 * where its reply ends. Replies in channels whose names are equally long are equally long, so that the first one's place
 * gives those of the others.
 */
import { type Dialect, nameOf } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

/** Numbers of fields, by what has them. */
const command = { id: 1, connect: 4, subscribe: 5, publish: 7 } as const;
const reply = { id: 1, error: 2, push: 4 } as const;
const request = { channel: 1, data: 2 } as const;
const publication = { data: 4 } as const;

const connectId = 1;
/** Nobody waits for the replies. */
const publishId = 2;

/** A reply without a field is a ping, a command without one a pong. */
const pong = clientFrame(2, Buffer.from([0]));
const idTag = reply.id << 3;
const errorTag = tagOf(reply.error);
const pushTag = tagOf(reply.push);

export function centrifuge(recordBytes: number): Dialect {
  const beforeRecord = Buffer.concat([Buffer.from([tagOf(publication.data)]), varint(recordBytes)]);
  return {
    form: binaryRecords,
    subprotocol: 'centrifuge-protobuf',
    publication: (record, channel) =>
      clientFrame(
        2,
        commandOf(publishId, command.publish, [channelOf(channel), field(request.data, record)]),
      ),
    converse(speaker, channels, sink) {
      const hello = [
        commandOf(connectId, command.connect, []),
        ...channels.map((channel, i) =>
          commandOf(connectId + 1 + i, command.subscribe, [channelOf(channel)]),
        ),
      ];
      speaker.send(clientFrame(2, Buffer.concat(hello)));
      const lastId = connectId + channels.length;
      return (bytes, offset, size) => {
        const end = offset + size;
        for (let at = offset; at < end; ) at = readReplies(bytes, at, end);
      };

      /** Reads the reply at that place and, if it has a record, those behind it that are as long. Returns where they end. */
      function readReplies(bytes: Buffer, at: number, end: number): number {
        const length = varintAt(bytes, at);
        const start = at + varintBytes(length);
        const next = start + length;
        if (next > end) {
          sink.mangled();
          return end;
        }
        if (length === 0) speaker.send(pong);
        else if (bytes[start] !== pushTag) readAnswer(bytes, start);
        else if (!hasRecord(bytes, start, next)) sink.mangled();
        else return readRecords(bytes, at, next, end);
        return next;
      }

      function hasRecord(bytes: Buffer, start: number, next: number): boolean {
        const record = next - recordBytes;
        const before = record - beforeRecord.length;
        return before > start && bytes.compare(beforeRecord, 0, beforeRecord.length, before, record) === 0;
      }

      function readRecords(bytes: Buffer, at: number, next: number, end: number): number {
        const stride = next - at;
        const length = varintAt(bytes, at);
        const tag = stride - length;
        let last = next;
        while (last + stride <= end && varintAt(bytes, last) === length && bytes[last + tag] === pushTag)
          last += stride;
        sink.records(bytes, next - recordBytes, (last - at) / stride, stride);
        return last;
      }

      function readAnswer(bytes: Buffer, start: number): void {
        const id = bytes[start] === idTag ? varintAt(bytes, start + 1) : 0;
        if (bytes[start + 1 + varintBytes(id)] === errorTag) sink.mangled();
        else if (id === lastId) speaker.joined();
      }
    },
  };
}

/** A command behind its length. */
function commandOf(id: number, what: number, fields: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([
    Buffer.from([command.id << 3]),
    varint(id),
    field(what, Buffer.concat(fields)),
  ]);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function channelOf(channel: number): Buffer {
  return field(request.channel, Buffer.from(nameOf(channel)));
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tagOf(number)]), varint(bytes.length), bytes]);
}

/** Of a field with a length. */
function tagOf(number: number): number {
  return (number << 3) | 2;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; bytes.length < varintBytes(value); rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push((bytes.pop() as number) & 0x7f);
  return Buffer.from(bytes);
}

/** Numbers of up to four bytes; a WebSocket message is not longer. */
function varintAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i += 1) {
    const byte = bytes[at + i] as number;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) break;
  }
  return value;
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}
