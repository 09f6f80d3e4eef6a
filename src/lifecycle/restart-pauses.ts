/**
 * How long to wait before a process that ended is started again: not at all after a long life, longer and longer after short
 * ones, so that one that cannot live costs little.
 */

/** Who has lived for so long was not ill. */
const longLifeMs = 10_000;
const firstPauseMs = 100;
const maxPauseMs = 30_000;

export class RestartPauses {
  readonly #random: () => number;
  #shortLives = 0;

  /** @param random from 0 to 1; those that died together are not started together */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Lives in a row that were short. */
  get shortLives(): number {
    return this.#shortLives;
  }

  /** Milliseconds to wait after a life of so many. */
  next(livedMs: number): number {
    if (livedMs >= longLifeMs) {
      this.#shortLives = 0;
      return 0;
    }
    this.#shortLives += 1;
    const bound = Math.min(firstPauseMs * 2 ** (this.#shortLives - 1), maxPauseMs);
    return bound * (0.5 + this.#random() / 2);
  }
}
