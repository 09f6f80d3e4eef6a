/**
 * Finds the payloads in what a server sends: the frames of RFC 6455, section 5.2, unmasked, as they come off a socket in
 * pieces. Everything that a benchmark does not need is left out: fragmented messages are an error, control frames are
 * handed over and not answered here, compressed messages are handed over as they are.
 *
 * Payloads are not copied: whole frames within one piece are read where they lie; only a frame that is cut is put together.
 */

export interface FrameSink {
  /** A text or binary message: `size` bytes at `offset`, valid during the call. */
  message(bytes: Buffer, offset: number, size: number): void;
  /** The same of a compressed message (RFC 7692); without it there may be none. */
  compressed?: ((bytes: Buffer, offset: number, size: number) => void) | undefined;
  /** Ping (9), pong (10) or close (8). */
  control(opcode: number, payload: Buffer): void;
}

const finalBit = 0x80;
const compressedBit = 0x40;

const noBytes = Buffer.alloc(0);

export class FrameReader {
  #rest: Buffer = noBytes;

  /** It holds no part of a frame: nobody needs to know that it was used. */
  get isWhole(): boolean {
    return this.#rest.length === 0;
  }

  /** Takes the next piece. */
  push(piece: Buffer, sink: FrameSink): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < 2) break;
      const first = bytes[at] as number;
      let size = bytes[at + 1] as number;
      let header = 2;
      if (size === 126) {
        if (left < 4) break;
        size = bytes.readUInt16BE(at + 2);
        header = 4;
      } else if (size === 127) {
        if (left < 10) break;
        size = Number(bytes.readBigUInt64BE(at + 2));
        header = 10;
      }
      if (left < header + size) break;
      const opcode = first & 0x0f;
      if (opcode >= 8) sink.control(opcode, bytes.subarray(at + header, at + header + size));
      else if ((first & ~0x0f) === finalBit && opcode > 0) sink.message(bytes, at + header, size);
      else if ((first & ~0x0f) === (finalBit | compressedBit) && opcode > 0 && sink.compressed !== undefined)
        sink.compressed(bytes, at + header, size);
      else throw new Error(`a fragmented message, or bytes that are no frame (0x${first.toString(16)})`);
      at += header + size;
    }
    this.#rest = at === bytes.length ? noBytes : Buffer.from(bytes.subarray(at));
  }
}
