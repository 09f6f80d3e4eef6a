/**
 * Outcry's native protocol in MessagePack (docs/protocol.md): a channel with history, or with the latest values. What is kept
 * comes in batches that are the same for everybody; records are binary payloads, those with keys of one length.
 */
import { pack, unpack } from 'msgpackr';
import { nameOf } from '../dialect.ts';
import { numberAt, recordsOf } from '../dialects/outcry-msgpack.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';
import type { Resumption } from './resumption.ts';

const messages = { connected: 1, subscribed: 2, ping: 5, batch: 7, error: 9, snapshot: 10 } as const;
const pong = clientFrame(2, Buffer.from([0x91, 6]));

/** All keys are as long as the first. */
export function keyOf(number: number): string {
  return `key-${String(number).padStart(7, '0')}`;
}

/** The publication of a record as the value of a key. */
export function keyedPublication(record: Buffer, channel: number, key: string): Buffer {
  return clientFrame(2, pack([4, null, nameOf(channel), record, null, key]));
}

export function outcryResumption(recordBytes: number): Resumption {
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

      function readBatch(bytes: Buffer, offset: number, end: number): void {
        const found = recordsOf(bytes, offset, recordBytes);
        if (found.end > end) visitor.mangled();
        else if (found.count > 0) visitor.records(bytes, found.first, found.count, found.stride);
        if (place !== null || found.end >= end) return;
        const position = numberAt(bytes, found.end);
        if (position !== null) visitor.stands({ epoch, offset: position });
      }
    },
  };
}
