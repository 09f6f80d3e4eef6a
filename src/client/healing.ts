/**
 * How often the holes of a channel may be filled from its history: the first at once, then less and less often. A hole
 * in between is told, and what follows it is delivered.
 */
import type { Clock } from './clock.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

export class Healing {
  readonly #clock: Clock;
  #pauseMs = 0;
  #lastAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it may be tried now; the next time that is allowed is later then. */
  begin(): boolean {
    const elapsedMs = this.#clock.now() - this.#lastAt;
    if (elapsedMs < this.#pauseMs) return false;
    if (elapsedMs > 2 * longestPauseMs) this.#pauseMs = 0;
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2));
    this.#lastAt = this.#clock.now();
    return true;
  }
}
