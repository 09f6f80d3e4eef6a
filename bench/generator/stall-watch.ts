/**
 * Notices when this process stood still: stopped, starved of CPU, or busy for so long that nothing else came to its turn.
 *
 * A timer that should come every few milliseconds comes late by as much as the process stood still. Arrivals are dated
 * when they are read, so a receiver that stood still makes the server look slow.
 */
import { monotonicMs } from './monotonic.ts';

const everyMs = 5;

export class StallWatch {
  #longestMs = 0;
  #lastAt = monotonicMs();

  constructor() {
    setInterval(() => this.look(monotonicMs()), everyMs).unref();
  }

  /** Begins again. */
  reset(): void {
    this.#longestMs = 0;
    this.#lastAt = monotonicMs();
  }

  look(now: number): void {
    this.#longestMs = Math.max(this.#longestMs, now - this.#lastAt - everyMs);
    this.#lastAt = now;
  }

  /** The longest time since the last reset, in milliseconds. */
  get longestMs(): number {
    this.look(monotonicMs());
    return this.#longestMs;
  }
}
