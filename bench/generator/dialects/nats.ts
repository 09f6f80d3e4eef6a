/**
 * NATS over a WebSocket: its protocol is a stream of lines, and WebSocket messages cut it anywhere.
 */
import { type Dialect, nameOf } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

const lineFeed = 0x0a;
const endOfLine = '\r\n';
const noBytes = Buffer.alloc(0);
const pong = binary(`PONG${endOfLine}`);

export function nats(recordBytes: number): Dialect {
  return {
    form: binaryRecords,
    publication: (record, channel) =>
      clientFrame(
        2,
        Buffer.concat([
          Buffer.from(`PUB ${nameOf(channel)} ${record.length}${endOfLine}`),
          record,
          Buffer.from(endOfLine),
        ]),
      ),
    converse(speaker, channels, sink) {
      const options = { verbose: false, pedantic: false, echo: true, lang: 'bench', version: '1' };
      speaker.send(
        binary(
          [
            `CONNECT ${JSON.stringify(options)}`,
            ...channels.map((channel) => `SUB ${nameOf(channel)} ${channel + 1}`),
            'PING',
            '',
          ].join(endOfLine),
        ),
      );
      let rest: Buffer = noBytes;
      return (piece, offset, size) => {
        const message = piece.subarray(offset, offset + size);
        const bytes = rest.length === 0 ? message : Buffer.concat([rest, message]);
        let at = 0;
        while (at < bytes.length) {
          const next = readOperation(bytes, at);
          if (next === -1) break;
          at = next;
        }
        rest = at === bytes.length ? noBytes : Buffer.from(bytes.subarray(at));
      };

      /** Where the next operation begins, or −1 if this one is not all there. */
      function readOperation(bytes: Buffer, at: number): number {
        const lineEnd = bytes.indexOf(lineFeed, at);
        if (lineEnd === -1) return -1;
        switch (bytes[at]) {
          case 0x4d: {
            // MSG subject sid size
            const end = lineEnd + 1 + recordBytes + endOfLine.length;
            if (end > bytes.length) return -1;
            sink.records(bytes, lineEnd + 1, 1, recordBytes);
            return end;
          }
          case 0x50: // PING or PONG
            if (bytes[at + 1] === 0x49) speaker.send(pong);
            else speaker.joined();
            break;
          case 0x2d: // -ERR
            sink.mangled();
        }
        return lineEnd + 1;
      }
    },
  };
}

function binary(text: string): Buffer {
  return clientFrame(2, Buffer.from(text));
}
