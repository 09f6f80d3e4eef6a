/**
 * How many newcomers a node takes in a second: whoever is connected must not suffer from a herd.
 *
 * A token bucket with a second's worth of room. Who finds it empty gets an appointment: the next second and later are given out
 * in places that lie as far apart as newcomers may, so that a herd comes back in the order in which it came, at the rate at
 * which it can be taken, instead of by chance, again and again.
 *
 *     10 a second, 25 come at once:   10 are taken   10 are told 1.1, 1.2 … 2.0 s   5 are told 2.1 … 2.5 s
 *
 * An appointment is advice: nothing is kept for those who have one, and who comes too early or too late is one of many.
 */
import type { Clock } from '../clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** The first appointment: the herd should be gone by then. */
const soonestMs = 1_000;

/** The last one. What lies beyond is told a random time in the second half of this. */
const latestMs = 60_000;

export interface AdmissionOptions {
  perSecond: number;
  clock: Pick<Clock, 'now'>;
  /** From 0 up to, and without, 1. */
  random: () => number;
}

/** What becomes of somebody who comes. */
export type Answer =
  | 'welcome'
  | {
      /** When to come again. */
      retryAfterMs: number;
      /**
       * He may be taken just to be told so: as many in a second as are welcome. Telling costs 1.2 to 1.4 times what a welcome
       * does, a plain refusal 0.8 to 0.9 times (one run on a busy machine, both runtimes).
       */
      mayBeTold: boolean;
    };

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #welcome: TokenBucket;
  readonly #told: TokenBucket;
  /** The last one that was given out. */
  #appointment = Number.NEGATIVE_INFINITY;

  constructor(options: AdmissionOptions) {
    const { perSecond, clock } = options;
    this.#options = options;
    this.#welcome = new TokenBucket(perSecond, clock);
    this.#told = new TokenBucket(perSecond, clock);
  }

  /** Somebody comes. */
  ask(): Answer {
    return this.#welcome.take()
      ? 'welcome'
      : { retryAfterMs: this.#retryAfterMs(), mayBeTold: this.#told.take() };
  }

  #retryAfterMs(): number {
    const { perSecond, clock, random } = this.#options;
    const now = clock.now();
    const next = Math.max(this.#appointment, now + soonestMs) + 1_000 / perSecond;
    if (next > now + latestMs) return Math.floor((latestMs * (1 + random())) / 2);
    this.#appointment = next;
    return Math.ceil(next - now);
  }
}
