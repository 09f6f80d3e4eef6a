/**
 * How old publications are when they have been written to the sockets of this node.
 *
 * What the hub hands to the runtime is only queued there; the system calls come when the loop drains, so everything that
 * went out in a turn is as old as it is at the end of that turn. The clock is read once for all of it, and between the two a
 * publication costs one number in an array that is there already.
 *
 * Ages are counted in whole milliseconds, like the times of publications. For one of another node they are as right as the
 * two clocks agree.
 */
import type { Clock } from '../clock.ts';
import type { Histogram } from '../metrics/counter.ts';
import type { Publication } from './publication.ts';

/** Of one turn; half a megabyte. What comes on top is judged before the end of its turn. */
const maxWaiting = 65_536;

export class WriteLatency {
  readonly #clock: Pick<Clock, 'endOfTurn'>;
  readonly #wallTime: () => number;
  /** Times of the publications that wait for the end of the turn, in runs of one histogram each. */
  #times = new Float64Array(1_024);
  #waiting = 0;
  readonly #histograms: Histogram[] = [];
  readonly #ends: number[] = [];
  #runs = 0;
  #planned = false;

  /** @param wallTime by the clock that publications have their times from: milliseconds since 1970 */
  constructor(clock: Pick<Clock, 'endOfTurn'>, wallTime: () => number = Date.now) {
    this.#clock = clock;
    this.#wallTime = wallTime;
  }

  /** They were handed to the runtime now. */
  handedOver(histogram: Histogram, publications: readonly Publication[]): void {
    if (!this.#planned) {
      this.#planned = true;
      this.#clock.endOfTurn(() => {
        this.#planned = false;
        this.#count();
      });
    }
    if (this.#waiting + publications.length > maxWaiting) this.#count();
    this.#grow(this.#waiting + publications.length);
    for (const { time } of publications) {
      this.#times[this.#waiting] = time;
      this.#waiting += 1;
    }
    this.#histograms[this.#runs] = histogram;
    this.#ends[this.#runs] = this.#waiting;
    this.#runs += 1;
  }

  /** Those that came in the same millisecond are counted together. */
  #count(): void {
    const now = this.#wallTime();
    let next = 0;
    for (let run = 0; run < this.#runs; run += 1) {
      const histogram = this.#histograms[run] as Histogram;
      const end = this.#ends[run] as number;
      while (next < end) {
        const time = this.#times[next] as number;
        const first = next;
        do next += 1;
        while (next < end && this.#times[next] === time);
        histogram.observeMs(now - time, next - first);
      }
    }
    this.#runs = 0;
    this.#waiting = 0;
  }

  #grow(size: number): void {
    if (size <= this.#times.length) return;
    const grown = new Float64Array(Math.max(size, this.#times.length * 2));
    grown.set(this.#times);
    this.#times = grown;
  }
}
