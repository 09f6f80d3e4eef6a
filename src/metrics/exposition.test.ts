import { beforeEach, describe, expect, test } from 'vitest';
import { Histogram, LabelledHistogram } from './counter.ts';
import { Exposition } from './exposition.ts';
import { Metrics } from './metrics.ts';

let metrics: Metrics;
let exposition: Exposition;

beforeEach(() => {
  metrics = new Metrics();
  exposition = new Exposition(metrics);
});

/** Reads the text form 0.0.4; fails on a line that it does not know. */
async function scrape() {
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const series = new Map<string, number>();
  for (const line of (await exposition.text()).split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', text = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword !== undefined) {
      const known = keyword === 'TYPE' ? types : helps;
      expect(known.has(name)).toBe(false);
      known.set(name, text);
      continue;
    }
    const sample = /^([a-z_]+(?:\{[a-z]+="[a-z_0-9.+A-Z]+"\})?) (\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line);
    if (sample === null) throw new Error(`not a line of the text form: ${line}`);
    series.set(sample[1] ?? '', Number(sample[2]));
  }
  return { types, helps, series };
}

describe('the exposition', () => {
  test('shows every metric with its type and its sentence', async () => {
    const { types, helps } = await scrape();
    for (const metric of metrics.all()) {
      const { name, help } = metric;
      const distributed = metric instanceof Histogram || metric instanceof LabelledHistogram;
      const type = distributed ? 'histogram' : name.endsWith('_total') ? 'counter' : 'gauge';
      expect(types.get(name)).toBe(type);
      expect(helps.get(name)).toBe(help);
    }
  });

  test('shows a histogram with cumulative buckets, its sum and its count', async () => {
    for (const ms of [0.3, 3, 3, 20_000, -5]) metrics.bridge.lag.observeMs(ms);
    const { series } = await scrape();
    const at = (suffix: string) => series.get(`outcry_bridge_lag_seconds${suffix}`);
    expect(at('_bucket{le="0.0005"}')).toBe(2);
    expect(at('_bucket{le="0.002"}')).toBe(2);
    expect(at('_bucket{le="0.005"}')).toBe(4);
    expect(at('_bucket{le="5"}')).toBe(4);
    expect(at('_bucket{le="+Inf"}')).toBe(5);
    expect(at('_count')).toBe(5);
    expect(at('_sum')).toBeCloseTo(20.0063, 6);
  });

  test('shows a histogram for each namespace, whatever it is called', async () => {
    metrics.publishToWrite.of('default').observeMs(4);
    metrics.publishToWrite.of('a "b"').observeMs(40, 3);
    const text = await exposition.text();
    const line = (labels: string) => `\noutcry_publish_to_write_seconds_bucket{${labels}} `;
    expect(text).toContain(`${line('namespace="default",le="0.002"')}0\n`);
    expect(text).toContain(`${line('namespace="default",le="0.005"')}1\n`);
    expect(text).toContain(`${line('namespace="a \\"b\\"",le="+Inf"')}3\n`);
    expect(text).toContain('\noutcry_publish_to_write_seconds_count{namespace="default"} 1\n');
    expect(text).toContain('\noutcry_publish_to_write_seconds_sum{namespace="default"} 0.004\n');
  });

  test('shows a hundred namespaces, and the others together', async () => {
    for (let i = 0; i < 300; i += 1) metrics.publishToWrite.of(`n${i}`).observeMs(1);
    const text = await exposition.text();
    expect(text.match(/outcry_publish_to_write_seconds_count/g)).toHaveLength(101);
    expect(text).toContain('outcry_publish_to_write_seconds_count{namespace=":others"} 200\n');
  });

  test('shows values as they are at each scrape', async () => {
    metrics.connectionsOpen.value = 3;
    metrics.deliveries.value = 10;
    metrics.connectionsClosed.values.slow_consumer = 2;
    const first = await scrape();
    expect(first.series.get('outcry_connections_open')).toBe(3);
    expect(first.series.get('outcry_deliveries_total')).toBe(10);
    expect(first.series.get('outcry_connections_closed_total{reason="slow_consumer"}')).toBe(2);

    metrics.connectionsOpen.value = 1;
    metrics.deliveries.value = 11;
    const second = await scrape();
    expect(second.series.get('outcry_connections_open')).toBe(1);
    expect(second.series.get('outcry_deliveries_total')).toBe(11);
    expect(second.series.get('outcry_connections_closed_total{reason="slow_consumer"}')).toBe(2);
  });

  test('shows every label value from the start, and no other', async () => {
    const { series } = await scrape();
    const shown = [...series.keys()].filter((name) => name.startsWith('outcry_handler_errors_total'));
    expect(shown).toEqual([
      'outcry_handler_errors_total{where="request"}',
      'outcry_handler_errors_total{where="session"}',
      'outcry_handler_errors_total{where="flush"}',
    ]);
    expect(series.get('outcry_handler_errors_total{where="request"}')).toBe(0);
  });

  test('tells what the process takes, under the names that every dashboard knows', async () => {
    const { series, types } = await scrape();
    expect(series.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(series.get('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(types.get('process_resident_memory_bytes')).toBe('gauge');
    expect(types.get('process_cpu_seconds_total')).toBe('counter');
  });

  test('of two nodes in one process shows each its own', async () => {
    metrics.deliveries.value = 5;
    const other = new Exposition(new Metrics());
    expect((await scrape()).series.get('outcry_deliveries_total')).toBe(5);
    expect(await other.text()).toContain('\noutcry_deliveries_total 0\n');
  });
});
