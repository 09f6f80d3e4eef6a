/**
 * What of a batch is new, and what is missing before it, by the numbers that a node gives to the publications of a channel
 * (docs/protocol.md, "batch").
 */

export interface Verdict {
  /** Publications between the last one seen and the first one of the batch: they are lost. */
  missed: number;
  /** Publications at the beginning of the batch that have been seen before. */
  seen: number;
}

export class SequenceTracker {
  #last: number;

  /** @param last number of the last publication before the first that is expected */
  constructor(last: number) {
    this.#last = last;
  }

  /** Number of the last publication that was seen or found missing. */
  get last(): number {
    return this.#last;
  }

  /**
   * @param sequence number of the last publication of the batch
   * @param count publications in the batch; 0 for a mark
   */
  take(sequence: number, count: number): Verdict {
    const before = sequence - count;
    const missed = Math.max(0, before - this.#last);
    const seen = Math.min(count, Math.max(0, this.#last - before));
    this.#last = Math.max(this.#last, sequence);
    return { missed, seen };
  }
}
