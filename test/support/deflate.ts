/**
 * One message as a peer compresses it that keeps no window (RFC 7692, section 7.2.1): a block that was flushed, without the
 * four bytes at its end.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { frame } from './raw-peer.ts';

/** The bit of a frame's first byte that says that it is compressed. */
export const compressedBit = 0x40;

/** As browsers offer it. */
export const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };

/** What both runtimes agree on. */
export const agreement = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover';

export function deflated(content: Buffer | string): Buffer {
  const whole = deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH });
  return whole.subarray(0, whole.length - 4);
}

export function inflated(content: Buffer): Buffer {
  const whole = Buffer.concat([content, Buffer.from([0, 0, 0xff, 0xff])]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** A frame with it. */
export function compressed(content: Buffer | string, opcode = 2): Buffer {
  return frame(opcode, deflated(content), { rsv: 4 });
}

/** Frames of one message that is compressed already, or says so. */
export function compressedInPieces([first = Buffer.alloc(0), ...others]: readonly Buffer[]): Buffer {
  return Buffer.concat([
    frame(2, first, { rsv: 4, fin: others.length === 0 }),
    ...others.map((piece, at) => frame(0, piece, { fin: at === others.length - 1 })),
  ]);
}

/** What is no DEFLATE. */
export const noDeflate = Buffer.from([0xff, 0xff, 0xff, 0xff]);

/** 200 MB of zeros in 194 KB. */
export const bomb = deflated(Buffer.alloc(200_000_000));

/** Ways to send it. */
export const bombs: Readonly<Record<string, readonly Buffer[]>> = {
  '200 MB in 194 KB': [bomb],
  '200 MB, and then no DEFLATE': [Buffer.concat([bomb, noDeflate])],
  '200 MB over fragments': [0, 1, 2, 3].map((part) => bomb.subarray(part * 50_000, (part + 1) * 50_000)),
};
