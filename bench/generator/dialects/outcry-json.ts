/**
 * Outcry's native protocol in JSON (docs/protocol.md): a record is a JSON value, a string.
 *
 * All elements of a batch are equally long, so that the first one's place gives those of the others.
 */
import { type Dialect, nameOf, tellGap } from '../dialect.ts';
import { quoteRecords, textRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

const beforeRecord = '{"json":"';
const afterRecord = '"}';
/** `,` between two of them. */
const aroundRecord = beforeRecord.length + afterRecord.length + 1;
const publications = Buffer.from('"publications":[');
const types = {
  batch: Buffer.from('{"type":"batch"'),
  connected: Buffer.from('{"type":"connected"'),
  subscribed: Buffer.from('{"type":"subscribed"'),
  ping: Buffer.from('{"type":"ping"'),
  gap: Buffer.from('{"type":"gap"'),
  error: Buffer.from('{"type":"error"'),
};
const pong = clientFrame(1, Buffer.from('{"type":"pong"}'));

/** The same with records that compress as a feed does. */
export function outcryJsonQuotes(recordBytes: number): Dialect {
  return { ...outcryJson(recordBytes), form: quoteRecords };
}

/** And with the compression. */
export function outcryJsonDeflated(recordBytes: number): Dialect {
  return { ...outcryJsonQuotes(recordBytes), deflate: true };
}

export function outcryJson(recordBytes: number): Dialect {
  const stride = recordBytes + aroundRecord;
  return {
    form: textRecords,
    subprotocol: 'outcry.v1.json',
    publication: (record, channel) =>
      clientFrame(
        1,
        Buffer.from(
          `{"type":"publish","channel":"${nameOf(channel)}","json":"${record.toString('latin1')}"}`,
          'latin1',
        ),
      ),
    converse(speaker, channels, sink) {
      const hello = ['{"type":"connect","id":1,"version":1}'];
      if (channels.length > 0)
        hello.push(JSON.stringify({ type: 'subscribe', id: 2, channels: channels.map(nameOf) }));
      speaker.send(clientFrame(1, Buffer.from(hello.join('\n'))));
      const lastReply = channels.length > 0 ? types.subscribed : types.connected;
      return (bytes, offset, size) => {
        const is = (type: Buffer) =>
          size >= type.length && bytes.compare(type, 0, type.length, offset, offset + type.length) === 0;
        if (is(types.batch)) readBatch(bytes, offset, size);
        else if (is(lastReply)) speaker.joined();
        else if (is(types.ping)) speaker.send(pong);
        else if (is(types.gap)) tellGap(sink);
        else if (is(types.error)) sink.mangled();
      };

      function readBatch(bytes: Buffer, offset: number, size: number): void {
        const end = offset + size;
        const list = bytes.indexOf(publications, offset);
        // A mark: it has no publications.
        if (list === -1 || list >= end) return;
        const first = list + publications.length;
        // Behind the last element stand `]}` and no comma.
        const count = (end - first - 1) / stride;
        if (Number.isInteger(count)) sink.records(bytes, first + beforeRecord.length, count, stride);
        else sink.mangled();
      }
    },
  };
}
