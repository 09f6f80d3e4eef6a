/**
 * Outcry's native protocol in MessagePack (docs/protocol.md): records are binary payloads.
 */
import { type Dialect, nameOf, tellGap } from '../dialect.ts';
import { binaryRecords } from '../record.ts';
import { clientFrame } from '../websocket.ts';

const messages = { connected: 1, subscribed: 2, ping: 5, batch: 7, gap: 8, error: 9 } as const;
const pong = clientFrame(2, Buffer.from([0x91, 6]));
/** An array of two, and the first byte of text of no bytes. */
const keyedElement = 0x92;
const shortText = 0xa0;

export function outcryMsgpack(recordBytes: number): Dialect {
  const header = binaryHeader(recordBytes);
  return {
    form: binaryRecords,
    subprotocol: 'outcry.v1.msgpack',
    publication(record, channel) {
      // [4, nil, channel, payload]
      return clientFrame(
        2,
        Buffer.concat([Buffer.from([0x94, 4, 0xc0]), text(nameOf(channel)), header, record]),
      );
    },
    converse(speaker, channels, sink) {
      // [1, 1, 1], then [2, 2, [channel, …]]
      const hello: Buffer[] = [Buffer.from([0x93, 1, 1, 1])];
      if (channels.length > 0)
        hello.push(
          Buffer.from([0x93, 2, 2, 0xdc, channels.length >> 8, channels.length & 0xff]),
          ...channels.map((channel) => text(nameOf(channel))),
        );
      speaker.send(clientFrame(2, Buffer.concat(hello)));
      const lastReply = channels.length > 0 ? messages.subscribed : messages.connected;
      return (bytes, offset) => {
        const type = bytes[offset + 1];
        if (type === messages.batch) {
          const { first, count, stride } = recordsOf(bytes, offset, recordBytes);
          if (count > 0) sink.records(bytes, first, count, stride);
        } else if (type === messages.ping) speaker.send(pong);
        else if (type === lastReply) speaker.joined();
        else if (type === messages.gap) tellGap(sink);
        else if (type === messages.error) sink.mangled();
      };
    },
  };
}

/** Where the records of a batch are. */
interface Found {
  first: number;
  count: number;
  stride: number;
  /** Behind the last: where the offset stands, if there is one. */
  end: number;
}

/**
 * `[7, number, sequence, time, [element, …], offset]`: an element is a payload, or a key and a payload, with keys of one
 * length. Only the sizes of what comes first are looked at.
 */
export function recordsOf(bytes: Buffer, offset: number, recordBytes: number): Found {
  let at = offset + 2;
  for (let skipped = 0; skipped < 3; skipped += 1) at += numberSize(bytes[at] as number);
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
  const keyBytes = bytes[at] === keyedElement ? 2 + ((bytes[at + 1] as number) - shortText) : 0;
  const before = keyBytes + (recordBytes < 256 ? 2 : 3);
  const stride = before + recordBytes;
  return { first: at + before, count, stride, end: at + count * stride };
}

/** A number without a sign at that place, or null if there is none. */
export function numberAt(bytes: Buffer, at: number): number | null {
  const first = bytes[at] as number;
  if (first < 0x80) return first;
  if (first === 0xcc) return bytes.readUInt8(at + 1);
  if (first === 0xcd) return bytes.readUInt16BE(at + 1);
  if (first === 0xce) return bytes.readUInt32BE(at + 1);
  return first === 0xcf ? Number(bytes.readBigUInt64BE(at + 1)) : null;
}

/** Bytes of a number, or of nil, with that first byte. */
function numberSize(first: number): number {
  switch (first) {
    case 0xcc:
      return 2;
    case 0xcd:
      return 3;
    case 0xca:
    case 0xce:
      return 5;
    case 0xcb:
    case 0xcf:
      return 9;
    default:
      return 1;
  }
}

function binaryHeader(size: number): Buffer {
  if (size < 256) return Buffer.from([0xc4, size]);
  const header = Buffer.from([0xc5, 0, 0]);
  header.writeUInt16BE(size, 1);
  return header;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([0xd9, bytes.length]), bytes]);
}
