/**
 * Outcry's native protocol in MessagePack in a channel with history: whoever comes back says where he stood, and whoever
 * publishes asks for an answer and sends again what was refused, as the SDK does.
 */
import { pack, unpack } from 'msgpackr';
import { type Dialect, nameOf, tellGap } from '../dialect.ts';
import { clientFrame } from '../websocket.ts';
import { numberAt, outcryMsgpack, recordsOf } from './outcry-msgpack.ts';

const messages = { subscribed: 2, published: 4, batch: 7, gap: 8, error: 9 } as const;
const noLongerDegraded = 5;
const subscribeId = 2;

export function outcryHistory(recordBytes: number): Dialect {
  const plain = outcryMsgpack(recordBytes);
  return {
    ...plain,
    confirmedPublication: (record, channel, id, key) =>
      clientFrame(2, pack([messages.published, id, nameOf(channel), record, key])),
    converse(speaker, channels, sink, memory = {}) {
      const [channel] = channels;
      const place = memory.place;
      // The same hello; whoever hears something asks for it as he stands.
      const rest = plain.converse(speaker, [], sink);
      if (channel !== undefined) {
        const wish = place === undefined ? nameOf(channel) : [nameOf(channel), [place.epoch, place.offset]];
        speaker.send(clientFrame(2, pack([messages.subscribed, subscribeId, [wish]])));
      }
      return (bytes, offset, size) => {
        const message = () => unpack(bytes.subarray(offset, offset + size));
        switch (bytes[offset + 1]) {
          case messages.subscribed:
            return subscribed(message());
          case messages.gap:
            return interrupted(message());
          case messages.published:
            return sink.answered?.(message()[1], true);
          case messages.error:
            return refused(message());
          case messages.batch:
            if (memory.place !== undefined) stands(memory.place.epoch, bytes, offset, offset + size);
        }
        rest(bytes, offset, size);
      };

      /** `[2, id, [[channel, number, sequence, degraded, epoch, offset, recovered, …]], refused]` */
      function subscribed([, , [joined]]: [number, number, [unknown[]?]]): void {
        if (joined === undefined) {
          sink.mangled();
          return;
        }
        const [, , , , epoch, position, recovered] = joined;
        if (typeof epoch === 'string') memory.place = { epoch, offset: position as number };
        speaker.joined();
        if (place === undefined) return;
        if (recovered === true) sink.recovered?.();
        else tellGap(sink);
      }

      /** The offset of a batch is behind its records. */
      function stands(epoch: string, bytes: Buffer, offset: number, end: number): void {
        const at = recordsOf(bytes, offset, recordBytes).end;
        const position = at < end ? numberAt(bytes, at) : null;
        if (position !== null) memory.place = { epoch, offset: position };
      }

      /** `[8, number, reason, epoch, offset]` */
      function interrupted([, , reason, epoch, position]: [number, number, number, string, number]): void {
        memory.place = { epoch, offset: position };
        if (reason !== noLongerDegraded) tellGap(sink);
      }

      /** `[9, id, code, message]` */
      function refused([, id]: [number, number | null]): void {
        if (id === null || sink.answered === undefined) sink.mangled();
        else sink.answered(id, false);
      }
    },
  };
}
