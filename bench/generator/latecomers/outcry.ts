/**
 * Outcry's native protocol in MessagePack (docs/protocol.md): a channel with history, or with the latest values. What is kept
 * comes in batches that are the same for everybody; records are binary payloads, those with keys of one length.
 */
import { pack, unpack } from 'msgpackr';
import { nameOf } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';
import type { Place, Resumption } from './resumption.ts';

const messages = { connected: 1, subscribed: 2, ping: 5, batch: 7, error: 9, snapshot: 10 } as const;
const pong = clientFrame(2, Buffer.from([0x91, 6]));
const keyedElement = 0x92;
const fixedText = 0xa0;

/** All keys are as long as the first. */
export function keyOf(number: number): string {
  return `key-${String(number).padStart(7, '0')}`;
}

/** The publication of a record as the value of a key. */
export function keyedPublication(record: Buffer, channel: number, key: string): Buffer {
  return clientFrame(2, pack([4, null, nameOf(channel), record, null, key]));
}

export function outcryResumption(recordBytes: number): Resumption {
  const headerBytes = recordBytes < 256 ? 2 : 3;
  return {
    form: binaryRecords,
    subprotocol: 'outcry.v1.msgpack',
    visit(visitor, channel, place) {
      const name = nameOf(channel);
      const wish = place === null ? name : [name, [place.epoch, place.offset]];
      let epoch = place?.epoch ?? '';
      return {
        hello: clientFrame(2, pack([1, 1, 1])),
        join: clientFrame(2, pack([2, 2, [wish]])),
        listen(bytes, offset, size) {
          const type = bytes[offset + 1];
          if (type === messages.batch) readBatch(bytes, offset, offset + size);
          else if (type === messages.connected) visitor.opened();
          else if (type === messages.ping) visitor.send(pong);
          else if (type === messages.subscribed) answered(unpack(bytes.subarray(offset, offset + size)));
          else if (type === messages.error) visitor.mangled();
        },
      };

      /** `[2, id, [[channel, number, sequence, degraded, epoch, offset, recovered, …], …], refused]` */
      function answered([, , [joined]]: [number, number, [unknown[]?]]): void {
        if (joined === undefined) {
          visitor.mangled();
          return;
        }
        const [, , , , ownEpoch, offset, recovered] = joined;
        epoch = ownEpoch as string;
        if (place === null) visitor.stands({ epoch, offset: offset as number });
        visitor.joined(place === null || recovered === true);
      }

      /** `[7, number, sequence, time, [element, …], offset]`: an element is a payload, or a key and a payload. */
      function readBatch(bytes: Buffer, offset: number, end: number): void {
        let at = offset + 2;
        for (let skipped = 0; skipped < 3; skipped += 1) at += numberBytes(bytes[at] as number);
        const first = bytes[at] as number;
        let count = first & 0x0f;
        at += 1;
        if (first === 0xdc) {
          count = bytes.readUInt16BE(at);
          at += 2;
        } else if (first === 0xdd) {
          count = bytes.readUInt32BE(at);
          at += 4;
        }
        const key = bytes[at] === keyedElement ? 2 + ((bytes[at + 1] as number) - fixedText) : 0;
        const before = key + headerBytes;
        const stride = before + recordBytes;
        if (at + count * stride > end) visitor.mangled();
        else if (count > 0) visitor.records(bytes, at + before, count, stride);
        if (place === null) stands(bytes.subarray(at + count * stride, end));
      }

      /** Where the offset is, unless it is absent. */
      function stands(rest: Buffer): void {
        if (rest.length === 0) return;
        const offset = unpack(rest);
        if (typeof offset === 'number') visitor.stands({ epoch, offset } as Place);
      }
    },
  };
}

/** Bytes of a number, or of nil, with that first byte. */
function numberBytes(first: number): number {
  if (first === 0xcc) return 2;
  if (first === 0xcd) return 3;
  if (first === 0xca || first === 0xce) return 5;
  return first === 0xcb || first === 0xcf ? 9 : 1;
}
