/**
 * Sheds load when memory runs short, in this order, each stage on top of those before it:
 *
 *     from 80 % of the limit   newcomers are refused: nobody loses anything, and other nodes have room
 *     from 90 %                the history and the latest values are not read for those who join: they are told `unavailable`
 *     from 100 %               who is furthest behind is terminated, until a tenth of the limit should be free
 *
 * A stage ends five percent below where it begins. What counts is the resident memory of the process, which is what the kernel
 * ends it for.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** Seldom while there is plenty, so that an idle node is left alone. */
const lookEveryMs = 1_000;
const lookSoonMs = 250;
const plenty = 0.5;

/** Parts of the limit at which the stages 1, 2 and 3 begin. */
const begins = [0.8, 0.9, 1] as const;
const endsBelow = 0.05;
/** Part of the limit that is wanted back at the last stage. */
const shedPart = 0.1;

export interface MemoryWatchOptions {
  limitBytes: number;
  residentBytes: () => number;
  /** Terminates those for whom most bytes wait, until so many are free. */
  shed: (bytes: number) => void;
  clock: Clock;
  metrics: Pick<Metrics, 'memoryStage'>;
  logger: Pick<Logger, 'warn' | 'info'>;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #timer: Timer | null = null;
  #stage = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#look();
  }

  get refusesNewcomers(): boolean {
    return this.#stage >= 1;
  }

  get sparesReads(): boolean {
    return this.#stage >= 2;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { limitBytes, residentBytes, shed, clock, metrics, logger } = this.#options;
    const resident = residentBytes();
    const part = resident / limitBytes;
    const before = this.#stage;
    while (this.#stage < begins.length && part >= (begins[this.#stage] as number)) this.#stage += 1;
    while (this.#stage > 0 && part < (begins[this.#stage - 1] as number) - endsBelow) this.#stage -= 1;
    metrics.memoryStage.value = this.#stage;
    const figures = { stage: this.#stage, resident, limitBytes };
    if (this.#stage > before) logger.warn(figures, 'memory runs short: load is shed');
    else if (this.#stage < before) logger.info(figures, 'less memory is in use again');
    if (part >= 1) shed(limitBytes * shedPart);
    this.#timer = clock.after(part < plenty ? lookEveryMs : lookSoonMs, () => this.#look());
  }
}
