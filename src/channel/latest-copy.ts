/**
 * What a node has at hand of the latest values of a channel, for those who subscribe: read from the history once, when
 * somebody needs it, and then kept current by what goes to the room. It always stands where the room stands, or knows
 * nothing.
 */
import type { LatestMetrics } from '../metrics/history-metrics.ts';
import { LatestValues } from './latest-values.ts';
import type { Publication } from './publication.ts';

export class LatestCopy {
  readonly #metrics: Pick<LatestMetrics, 'keys' | 'bytes'>;
  readonly #values = new LatestValues();
  #isKnown = false;
  /** As `publications` has handed it out; null if it has changed since. */
  #listed: readonly Publication[] | null = null;

  constructor(metrics: Pick<LatestMetrics, 'keys' | 'bytes'>) {
    this.#metrics = metrics;
  }

  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Begins with all values at the position of the room. */
  begin(publications: readonly Publication[]): void {
    this.#change(() => {
      this.#values.clear();
      this.#values.take(publications);
    });
    this.#isKnown = true;
  }

  /** Takes what the room is given. */
  take(publications: readonly Publication[]): void {
    if (this.#isKnown && publications.some(({ key }) => key !== null))
      this.#change(() => this.#values.take(publications));
  }

  forget(): void {
    if (!this.#isKnown) return;
    this.#isKnown = false;
    this.#change(() => this.#values.clear());
  }

  /** In the order in which they were published; the same array until something changes. */
  publications(): readonly Publication[] {
    this.#listed ??= this.#values.publications();
    return this.#listed;
  }

  #change(change: () => void): void {
    const { count, bytes } = this.#values;
    change();
    this.#metrics.keys.value += this.#values.count - count;
    this.#metrics.bytes.value += this.#values.bytes - bytes;
    this.#listed = null;
  }
}
