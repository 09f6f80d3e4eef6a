/**
 * Plain numbers for the hot path. The exposition reads them only when somebody asks.
 */

/** What every metric has: a name as in the exposition, and what it counts in one sentence. */
abstract class Metric {
  readonly name: string;
  readonly help: string;

  constructor(name: string, help: string) {
    this.name = name;
    this.help = help;
  }
}

/** Something that only grows. `value` is public so that adding to it costs one addition. */
export class Counter extends Metric {
  value = 0;
}

/** Something that exists now and may shrink. */
export class Gauge extends Metric {
  value = 0;
}

/** A counter with one label, whose values are known in advance: whatever arrives, the number of series is fixed. */
export class LabelledCounter<Value extends string> extends Metric {
  readonly label: string;
  readonly values: Record<Value, number>;

  constructor(name: string, help: string, label: string, labelValues: readonly Value[]) {
    super(name, help);
    this.label = label;
    this.values = Object.fromEntries(labelValues.map((value) => [value, 0])) as Record<Value, number>;
  }
}
