/**
 * Centrifugo's protocol in its binary form: a frame holds messages of Protocol Buffers, each with its length before it
 * (github.com/centrifugal/protocol, definitions/client.proto).
 *
 *     Command { id = 1, connect = 4, subscribe = 5 { channel = 1 }, publish = 7 { channel = 1, data = 2 } }
 *     Reply   { id = 1, error = 2, push = 4 { channel = 2, pub = 4 { data = 4 } }, connect = 5, subscribe = 6, publish = 8 }
 *
 * In what a subscriber gets, `data` is the last field of each message that surrounds it: a record stands at the end.
 */
import { type Dialect, nameOf } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

/** A message without content: a ping from the server, a pong from the client. */
const pong = clientFrame(2, Buffer.from([0]));
const pushTag = 0x22;
const errorTag = 0x12;
const idTag = 0x08;

export function centrifuge(recordBytes: number): Dialect {
  return {
    form: binaryRecords,
    subprotocol: 'centrifuge-protobuf',
    publication: (record, channel) =>
      // Without an id it would be refused; the answers are counted as nothing.
      command(1, field(7, field(1, Buffer.from(nameOf(channel))), field(2, record))),
    converse(speaker, channels, sink) {
      let answersLeft = 1 + channels.length;
      speaker.send(
        Buffer.concat([
          command(1, field(4)),
          ...channels.map((channel, index) =>
            command(index + 2, field(5, field(1, Buffer.from(nameOf(channel))))),
          ),
        ]),
      );
      return (bytes, offset, size) => {
        const end = offset + size;
        for (let at = offset; at < end; ) {
          let length = 0;
          for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7, at += 1) {
            byte = bytes[at] as number;
            length += (byte & 0x7f) << shift;
          }
          read(bytes, at, length);
          at += length;
        }
      };

      function read(bytes: Buffer, at: number, length: number): void {
        if (length === 0) speaker.send(pong);
        else if (bytes[at] === pushTag) {
          if (length > recordBytes) sink.records(bytes, at + length - recordBytes, 1, recordBytes);
          else sink.mangled();
        } else if (bytes[at] === errorTag || bytes[at + idBytes(bytes, at)] === errorTag) sink.mangled();
        else if (answersLeft > 0) {
          answersLeft -= 1;
          if (answersLeft === 0) speaker.joined();
        }
      }
    },
  };
}

/** Bytes of a reply's id with its tag. */
function idBytes(bytes: Buffer, at: number): number {
  if (bytes[at] !== idTag) return 0;
  let size = 2;
  while ((bytes[at + size - 1] as number) >= 0x80) size += 1;
  return size;
}

function command(id: number, ...fields: Buffer[]): Buffer {
  const message = Buffer.concat([Buffer.from([idTag]), varint(id), ...fields]);
  return clientFrame(2, Buffer.concat([varint(message.length), message]));
}

/** A field of bytes, or of a message. */
function field(number: number, ...content: Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
