/**
 * How long the machine kept the lab itself waiting. What is measured by a lab that is kept waiting is the machine, not Outcry.
 *
 * Two figures. The loop of the lab stands still: `monitorEventLoopDelay`. And, where the kernel tells it, how long the lab's own
 * thread was ready to run in a second and did not get a core, because others had them (the second number of
 * `/proc/self/schedstat`, in nanoseconds): a busy machine that takes turns fairly makes everything slower without ever
 * standing still.
 */
import { readFileSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

export interface Strain {
  /** The longest that the loop stood still, in milliseconds. */
  readonly standstillMs: number;
  /** Of the worst second: how many milliseconds the lab waited for a core. 0 where the kernel does not say. */
  readonly waitMs: number;
}

export const noStrain: Strain = { standstillMs: 0, waitMs: 0 };

/**
 * More than this, and times are not judged. A lab that has two cores for itself waits for up to 650 ms in the second in which all of its
 * clients come back; beside other work it was 750 and more.
 */
const tooBusy: Strain = { standstillMs: 500, waitMs: 700 };

const lookEveryMs = 1_000;

export function isTooBusy({ standstillMs, waitMs }: Strain): boolean {
  return standstillMs > tooBusy.standstillMs || waitMs > tooBusy.waitMs;
}

export class StrainWatch {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  #timer: NodeJS.Timeout | null = null;
  #lookedAt = 0;
  #waitedBefore = 0;
  #waitMs = 0;

  /** From now on it counts, and what was before does not. */
  start(): void {
    this.#delay.enable();
    this.#delay.reset();
    this.#waitMs = 0;
    this.#lookedAt = performance.now();
    this.#waitedBefore = waitedMs();
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer === null) return;
    this.#look();
    clearInterval(this.#timer);
    this.#timer = null;
    this.#delay.disable();
  }

  get strain(): Strain {
    return { standstillMs: this.#delay.max / 1e6, waitMs: this.#waitMs };
  }

  #look(): void {
    const [now, waited] = [performance.now(), waitedMs()];
    // A look that comes late has seen more than a second.
    const seconds = Math.max(1, (now - this.#lookedAt) / 1_000);
    this.#waitMs = Math.max(this.#waitMs, (waited - this.#waitedBefore) / seconds);
    this.#lookedAt = now;
    this.#waitedBefore = waited;
  }
}

function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
