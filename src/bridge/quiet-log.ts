/**
 * A log that cannot be flooded: news is always written, trouble at most once a second, with how much was left out.
 */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';

const quietMs = 1_000;

type Level = 'info' | 'warn' | 'error';

export class QuietLog {
  readonly #logger: Logger;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #fields: object;
  #lastAt = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  /** @param fields stand in every line */
  constructor(logger: Logger, clock: Pick<Clock, 'now'>, fields: object = {}) {
    this.#logger = logger;
    this.#clock = clock;
    this.#fields = fields;
  }

  /** A change of state, which cannot come often. */
  news(level: Level, fields: object, message: string): void {
    this.#lastAt = this.#clock.now();
    this.#logger[level]({ ...this.#fields, ...fields }, message);
  }

  /** Something that may come thousands of times a second. */
  trouble(level: Level, fields: object, message: string): void {
    if (this.#clock.now() - this.#lastAt < quietMs) {
      this.#leftOut += 1;
      return;
    }
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    this.news(level, leftOut === 0 ? fields : { ...fields, linesLeftOut: leftOut }, message);
  }
}
