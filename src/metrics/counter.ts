/**
 * Plain numbers for the hot path. The exposition reads them only when somebody asks.
 */

/** What every metric has: a name as in the exposition, and what it counts in one sentence. */
abstract class Named {
  readonly name: string;
  readonly help: string;

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }
}

/** Something that only grows. `value` is public so that adding to it costs one addition. */
export class Counter extends Named {
  value = 0;
}

/** Something that exists now and may shrink. */
export class Gauge extends Named {
  value = 0;
}

/** A counter with one label, whose values are known in advance: whatever arrives, the number of series is fixed. */
export class LabelledCounter<Value extends string> extends Named {
  readonly label: string;
  readonly values: Record<Value, number>;

  constructor(name: string, help: string, label: string, labelValues: readonly Value[]) {
    super(name, help);
    this.label = label;
    this.values = Object.fromEntries(labelValues.map((value) => [value, 0])) as Record<Value, number>;
  }
}

/** How often something was how large, in buckets that are fixed in advance. */
export class Histogram extends Named {
  /** Upper bounds in the unit of the name, ascending. */
  readonly bounds: readonly number[];
  /** Observations per bound, and last those above all of them; not cumulative. */
  readonly counts: number[];
  /** Of all observations. */
  sum = 0;

  constructor(name: string, help: string, bounds: readonly number[]) {
    super(name, help);
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  /** @param times how often it was seen */
  observe(value: number, times = 1): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket += 1;
    this.counts[bucket] = (this.counts[bucket] as number) + times;
    this.sum += value * times;
  }

  /** For names in seconds. Negative durations, from clocks that disagree, count as 0. */
  observeMs(milliseconds: number, times = 1): void {
    this.observe(Math.max(0, milliseconds / 1_000), times);
  }
}

/** Label values that have a histogram of their own: each is as many series as it has buckets. */
const maxHistograms = 100;

/** A histogram for each value of one label. Values are names that an operator has given, never what a client sent. */
export class LabelledHistogram extends Named {
  /** What those beyond the limit share; no operator can name a namespace so. */
  static readonly others = ':others';

  readonly label: string;
  readonly bounds: readonly number[];
  readonly #histograms = new Map<string, Histogram>();

  constructor(name: string, help: string, label: string, bounds: readonly number[]) {
    super(name, help);
    this.label = label;
    this.bounds = bounds;
  }

  /** The one of a label value, made when it is first asked for. */
  of(value: string): Histogram {
    const known = this.#histograms.get(value);
    if (known !== undefined) return known;
    if (this.#histograms.size >= maxHistograms && value !== LabelledHistogram.others)
      return this.of(LabelledHistogram.others);
    const made = new Histogram(this.name, this.help, this.bounds);
    this.#histograms.set(value, made);
    return made;
  }

  /** By label value. */
  histograms(): Iterable<[string, Histogram]> {
    return this.#histograms;
  }
}

export type Metric = Counter | Gauge | LabelledCounter<string> | Histogram | LabelledHistogram;
