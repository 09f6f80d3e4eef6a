/**
 * Waits for promises, each until a time of its own, with one timer for all of them: most settle long before, and a timer for
 * each would cost as much as what is waited for.
 */
import type { Clock, Timer } from '../clock.ts';

export class TimeOver extends Error {}

interface Waiting {
  readonly deadline: number;
  giveUp(): void;
}

export class TimeLimit {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #reason: string;
  readonly #waiting = new Set<Waiting>();
  #timer: Timer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param reason the message of what it rejects with */
  constructor(clock: Pick<Clock, 'now' | 'after'>, reason: string) {
    this.#clock = clock;
    this.#reason = reason;
  }

  /** Settles like the promise, but rejects with `TimeOver` when the clock has come to `deadline` before. */
  until<T>(deadline: number, promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { deadline, giveUp: () => reject(new TimeOver(this.#reason)) };
      this.#waiting.add(waiting);
      this.#lookAt(deadline);
      promise.then(
        (value) => {
          this.#waiting.delete(waiting);
          resolve(value);
        },
        (error) => {
          this.#waiting.delete(waiting);
          reject(error);
        },
      );
    });
  }

  #lookAt(time: number): void {
    if (time >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = time;
    this.#timer = this.#clock.after(Math.max(time - this.#clock.now(), 0), () => this.#look());
  }

  #look(): void {
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (waiting.deadline > now) next = Math.min(next, waiting.deadline);
      else {
        this.#waiting.delete(waiting);
        waiting.giveUp();
      }
    }
    this.#lookAt(next);
  }
}
