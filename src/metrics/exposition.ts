/**
 * The Prometheus text form of the metrics. prom-client is loaded with the first scrape, so that a node listens sooner.
 */
import { Counter, type Gauge, LabelledCounter } from './counter.ts';
import type { Metrics } from './metrics.ts';

/** Writes all metrics of a node in the Prometheus text exposition format 0.0.4. */
export class Exposition {
  static readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';

  readonly #metrics: Metrics;
  #registry: Promise<{ metrics(): Promise<string> }> | null = null;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  async text(): Promise<string> {
    this.#registry ??= this.#register();
    return (await this.#registry).metrics();
  }

  async #register() {
    const { default: client } = await import('prom-client');
    const registry = new client.Registry();
    const registers = [registry];
    for (const metric of Object.values(this.#metrics) as (Counter | Gauge | LabelledCounter<string>)[]) {
      const { name, help } = metric;
      if (metric instanceof LabelledCounter) {
        const labels = Object.keys(metric.values);
        new client.Counter({
          name,
          help,
          registers,
          labelNames: [metric.label],
          collect() {
            this.reset();
            for (const label of labels) this.inc({ [metric.label]: label }, metric.values[label] ?? 0);
          },
        });
      } else if (metric instanceof Counter) {
        new client.Counter({
          name,
          help,
          registers,
          collect() {
            this.reset();
            this.inc(metric.value);
          },
        });
      } else {
        new client.Gauge({
          name,
          help,
          registers,
          collect() {
            this.set(metric.value);
          },
        });
      }
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
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
    return registry;
  }
}
