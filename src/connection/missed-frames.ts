/**
 * What clients have missed, as frames of one codec. Many who come back after the same loss have missed the same, and it is
 * encoded once: publications never change within an epoch, so the room and the range of offsets tell all that is in a frame.
 *
 * What was encoded last is kept, up to so many bytes.
 */
import { endOfFrame } from '../channel/frame-size.ts';
import type { Room } from '../channel/room.ts';
import type { Position } from '../channel/position.ts';
import type { Payload, Publication } from '../channel/publication.ts';
import type { Codec } from '../protocol/codec.ts';

/** A few clients' fill (`recoveryMaxBytes`); those who come back together ask for little else. */
const maxKeptBytes = 4_194_304;

export interface EncodedFrames {
  readonly frames: readonly Payload[];
  readonly bytes: number;
}

export class MissedFrames {
  readonly #codec: Codec;
  /** By room, epoch and range; the one that was asked for last stands last. */
  readonly #kept = new Map<string, EncodedFrames>();
  #bytes = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /**
   * Publications up to a position, at least one; null if their frames have more than `maxBytes`.
   */
  encode(
    { channel, number }: Pick<Room, 'channel' | 'number'>,
    { epoch, offset }: Position,
    publications: readonly Publication[],
    maxBytes: number,
  ): EncodedFrames | null {
    const before = offset - publications.length;
    const name = `${number} ${before} ${offset} ${epoch}`;
    const known = this.#kept.get(name);
    if (known !== undefined) {
      this.#kept.delete(name);
      this.#kept.set(name, known);
      return known.bytes > maxBytes ? null : known;
    }
    const frames: Payload[] = [];
    let bytes = 0;
    for (let from = 0; from < publications.length; ) {
      const end = endOfFrame(publications, from);
      const position = { epoch, offset: before + end };
      const head = { channel, number, sequence: 0, position };
      const frame = ownFrame(this.#codec.batch(head, publications.slice(from, end)));
      bytes += bytesOf(frame);
      if (bytes > maxBytes) return null;
      frames.push(frame);
      from = end;
    }
    const encoded = { frames, bytes };
    this.#keep(name, encoded);
    return encoded;
  }

  #keep(name: string, encoded: EncodedFrames): void {
    this.#kept.set(name, encoded);
    this.#bytes += encoded.bytes;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= maxKeptBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}

export function bytesOf(frame: Payload): number {
  return typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength;
}

/** A codec writes the next frame into the same bytes. */
export function ownFrame(frame: Payload): Payload {
  return typeof frame === 'string' ? frame : new Uint8Array(frame);
}
