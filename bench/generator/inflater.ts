/**
 * Inflates what a server sends with permessage-deflate (RFC 7692), without context takeover: each message stands for itself.
 *
 * Then whatever is compressed alike was alike before, so a message whose compressed bytes were seen already is compared and
 * not inflated again. A server that compresses for each subscriber pays for each; a generator that inflated for each would
 * be what is measured.
 */
import { constants, inflateRawSync } from 'node:zlib';

/** Subscribers are at most a few frames apart while a server hands them out. */
const keptMessages = 16;

/** What the sender has taken from the end (RFC 7692, section 7.2.1). */
const end = Buffer.from([0, 0, 0xff, 0xff]);

interface Kept {
  compressed: Buffer;
  inflated: Buffer;
}

export class Inflater {
  readonly #kept: Kept[] = [];
  #oldest = 0;

  /**
   * `size` bytes at `offset`, inflated; valid until a few more messages were.
   *
   * @throws Error if it is no DEFLATE
   */
  inflate(bytes: Buffer, offset: number, size: number): Buffer {
    for (const { compressed, inflated } of this.#kept)
      if (compressed.length === size && bytes.compare(compressed, 0, size, offset, offset + size) === 0)
        return inflated;
    const compressed = Buffer.from(bytes.subarray(offset, offset + size));
    const inflated = inflateRawSync(Buffer.concat([compressed, end]), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    this.#kept[this.#oldest] = { compressed, inflated };
    this.#oldest = (this.#oldest + 1) % keptMessages;
    return inflated;
  }
}
