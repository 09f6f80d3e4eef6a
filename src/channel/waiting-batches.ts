/**
 * Live batches of a channel that wait while it is compared with its history, in the order in which they came.
 *
 * Bounded in bytes: when there is no room for one more, all of them are dropped, since they are in the history too, and it is
 * remembered that something was.
 */
import type { SequencedBatch } from './position.ts';
import { maxBytesOf } from './publication.ts';

/** What a publication takes beside its payload; it counts too, or a million empty ones were nothing. */
const publicationOverheadBytes = 64;

interface Waiting {
  readonly batch: SequencedBatch;
  readonly bytes: number;
  /** Reads that had been asked when it came. */
  readonly reads: number;
}

export class WaitingBatches {
  readonly #maxBytes: number;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #overflowed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** The one that came first. */
  get first(): SequencedBatch | undefined {
    return this.#waiting[0]?.batch;
  }

  /** The first one of an epoch. */
  firstOf(epoch: string): SequencedBatch | undefined {
    return this.#waiting.find(({ batch }) => batch.epoch === epoch)?.batch;
  }

  /** @param reads how many reads of the history have been asked until now */
  add(batch: SequencedBatch, reads: number): void {
    const bytes = bytesOf(batch);
    if (this.#bytes + bytes > this.#maxBytes) {
      this.clear();
      this.#overflowed = true;
      return;
    }
    for (const publication of batch.publications) publication.keepForLong();
    this.#waiting.push({ batch, bytes, reads });
    this.#bytes += bytes;
  }

  /** Hands out one after the other and forgets it, until `take` says that it cannot have it. */
  drain(take: (batch: SequencedBatch) => boolean): void {
    let taken = 0;
    for (const { batch } of this.#waiting) {
      if (!take(batch)) break;
      taken += 1;
    }
    this.#keep(this.#waiting.slice(taken));
  }

  /**
   * Drops those that a read should show and does not.
   *
   * @param reads that had been asked, this one included
   * @returns how many
   */
  dropUnshown(reads: number, { epoch, top }: { readonly epoch: string; readonly top: number }): number {
    const before = this.#waiting.length;
    const isShown = ({ batch }: Waiting) => batch.epoch === epoch && batch.offset <= top;
    this.#keep(this.#waiting.filter((waiting) => waiting.reads >= reads || isShown(waiting)));
    return before - this.#waiting.length;
  }

  /** Whether some were dropped for lack of room since it was asked last. */
  takeOverflow(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  clear(): void {
    this.#keep([]);
  }

  #keep(waiting: Waiting[]): void {
    this.#waiting = waiting;
    this.#bytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

function bytesOf({ publications }: SequencedBatch): number {
  return publications.reduce((sum, { content }) => sum + maxBytesOf(content) + publicationOverheadBytes, 0);
}
