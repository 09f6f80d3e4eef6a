/**
 * How long to wait before the next attempt: random between 0 and a bound that doubles ("full jitter"), so that the clients
 * of a node that stopped do not all come back in the same instant.
 */

const firstBoundMs = 500;
const maxBoundMs = 20_000;
/** A connection that lasted this long was a good one; a node that accepts and drops at once must not be hammered. */
const stableMs = 10_000;

export class Backoff {
  readonly #random: () => number;
  #attempt = 0;

  /** @param random returns a number from 0 up to, and without, 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const boundMs = Math.min(maxBoundMs, firstBoundMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return this.#random() * boundMs;
  }

  /** Starts again from the first bound if what has just ended had lasted long enough. */
  ended(afterMs: number): void {
    if (afterMs >= stableMs) this.reset();
  }

  reset(): void {
    this.#attempt = 0;
  }
}
