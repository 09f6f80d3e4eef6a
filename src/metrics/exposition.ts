/**
 * The Prometheus text form of the metrics. prom-client is loaded with the first scrape, so that a node listens sooner.
 */
import type Prometheus from 'prom-client';
import { Counter, Histogram, LabelledCounter, LabelledHistogram, type Metric } from './counter.ts';

/** Whatever has metrics. */
export interface MetricSet {
  all(): readonly Metric[];
}

/** Writes all metrics of a process in the Prometheus text exposition format 0.0.4. */
export class Exposition {
  static readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';

  readonly #metrics: MetricSet;
  #registry: Promise<{ metrics(): Promise<string> }> | null = null;

  constructor(metrics: MetricSet) {
    this.#metrics = metrics;
  }

  async text(): Promise<string> {
    this.#registry ??= this.#register();
    try {
      return await (await this.#registry).metrics();
    } catch (error) {
      this.#registry = null; // The library could not be loaded while no descriptor was free: the next scrape tries again.
      throw error;
    }
  }

  async #register() {
    const { default: client } = await import('prom-client');
    const registry = new client.Registry();
    const registers = [registry];
    for (const metric of this.#metrics.all()) {
      const { name, help } = metric;
      if (metric instanceof LabelledCounter) registerLabelled(client, registers, metric);
      else if (metric instanceof Histogram) registry.registerMetric(histogram(metric, () => [[{}, metric]]));
      else if (metric instanceof LabelledHistogram)
        registry.registerMetric(histogram(metric, () => labelled(metric)));
      else if (metric instanceof Counter)
        new client.Counter({ name, help, registers, collect: assign(() => metric.value) });
      else
        new client.Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(metric.value);
          },
        });
    }
    new client.Gauge({
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the process.',
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
    new client.Counter({
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time of the process.',
      registers,
      collect: assign(() => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      }),
    });
    return registry;
  }
}

/** prom-client counts by itself and knows no "set" for counters; ours are counted already. */
function assign(read: () => number) {
  return function (this: Prometheus.Counter<string>) {
    this.reset();
    this.inc(read());
  };
}

function registerLabelled(
  client: typeof Prometheus,
  registers: Prometheus.Registry[],
  { name, help, label, values }: LabelledCounter<string>,
): void {
  new client.Counter({
    name,
    help,
    registers,
    labelNames: [label],
    collect() {
      this.reset();
      for (const [labelValue, count] of Object.entries(values)) this.inc({ [label]: labelValue }, count);
    },
  });
}

type Labels = Readonly<Record<string, string>>;

function labelled(metric: LabelledHistogram): [Labels, Histogram][] {
  return Array.from(metric.histograms(), ([value, each]) => [{ [metric.label]: value }, each]);
}

/** prom-client's own histogram would want every observation; this one hands over what was counted. */
function histogram(
  { name, help }: { name: string; help: string },
  read: () => Iterable<[Labels, Histogram]>,
): Prometheus.Metric {
  const get = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: Array.from(read(), ([labels, each]) => seriesOf(name, labels, each)).flat(),
  });
  return { name, get, reset() {} } as unknown as Prometheus.Metric;
}

function seriesOf(name: string, labels: Labels, { bounds, counts, sum }: Histogram) {
  let cumulative = 0;
  const buckets = counts.map((count, i) => {
    cumulative += count;
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bounds[i] ?? '+Inf' },
      value: cumulative,
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: cumulative },
  ];
}
