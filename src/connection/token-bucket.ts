/**
 * So many in a second, and a second's worth at once. It takes two numbers and no timer.
 */
import type { Clock } from '../clock.ts';

export class TokenBucket {
  readonly #perSecond: number;
  readonly #clock: Pick<Clock, 'now'>;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, clock: Pick<Clock, 'now'>) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tokens = perSecond;
    this.#filledAt = clock.now();
  }

  /** Takes one; false if there is none. */
  take(): boolean {
    const now = this.#clock.now();
    this.#tokens = Math.min(
      this.#perSecond,
      this.#tokens + ((now - this.#filledAt) / 1_000) * this.#perSecond,
    );
    this.#filledAt = now;
    // Tenths of a millisecond do not add up exactly.
    if (this.#tokens < 1 - 1e-6) return false;
    this.#tokens -= 1;
    return true;
  }
}
