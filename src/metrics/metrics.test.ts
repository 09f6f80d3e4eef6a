import { describe, expect, test } from 'vitest';
import { errorNames } from '../protocol/error-codes.ts';
import { Counter, Histogram, LabelledCounter, LabelledHistogram, type Metric } from './counter.ts';
import { gapReasons, recoveryResults } from './history-metrics.ts';
import { apiRoutes, apiStatuses, dashboardRefusals, endReasons, Metrics, refusalReasons } from './metrics.ts';

const all = new Metrics().all();
const rows = all.map((metric): [string, typeof metric] => [metric.name, metric]);

describe('the metrics', () => {
  test.each(rows)('%s has a name of ours', (name) => {
    expect(name).toMatch(/^outcry_[a-z_]+$/);
  });

  test.each(rows)('%s ends in _total if and only if it counts', (name, metric) => {
    const counts = metric instanceof LabelledCounter || metric instanceof Counter;
    expect(name.endsWith('_total')).toBe(counts);
  });

  test.each(rows)('%s is explained in one sentence', (_name, { help }) => {
    expect(help).toMatch(/^[A-Z].*\.$/);
  });

  test('have different names', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  test('start at zero, each node for itself', () => {
    new Metrics().connectionsClosed.values.client += 1;
    for (const metric of new Metrics().all()) expect(highest(metric)).toBe(0);
  });

  test('have one label at most, whose values are known in advance', () => {
    const labels = all
      .filter((metric) => metric instanceof LabelledCounter)
      .map((metric) => [metric.name, metric.label, Object.keys(metric.values)]);
    expect(labels).toEqual([
      ['outcry_connections_closed_total', 'reason', [...endReasons]],
      ['outcry_handshakes_refused_total', 'reason', [...refusalReasons]],
      ['outcry_requests_refused_total', 'reason', ['url_too_long', 'headers_too_large']],
      ['outcry_duplicates_discarded_total', 'from', ['published', 'received']],
      ['outcry_gaps_told_total', 'reason', [...gapReasons]],
      ['outcry_errors_total', 'error', [...errorNames]],
      ['outcry_resyncs_total', 'result', ['done', 'failed']],
      ['outcry_api_requests_total', 'route', [...apiRoutes]],
      ['outcry_api_replies_total', 'status', [...apiStatuses]],
      ['outcry_api_errors_total', 'error', [...errorNames]],
      ['outcry_handler_errors_total', 'where', ['request', 'session', 'flush']],
      ['outcry_bridge_publications_dropped_total', 'reason', ['away', 'in_flight_limit', 'failed']],
      [
        'outcry_bridge_frames_rejected_total',
        'reason',
        ['malformed', 'oversized', 'unknown_version', 'wrong_shard', 'duplicate'],
      ],
      [
        'outcry_history_publications_not_appended_total',
        'reason',
        ['away', 'waiting_limit', 'too_many_keys', 'failed', 'unknown'],
      ],
      ['outcry_history_frames_rejected_total', 'reason', ['malformed', 'wrong_shard']],
      [
        'outcry_history_heals_total',
        'result',
        ['nothing_missing', 'healed', 'gap', 'snapshot', 'unavailable'],
      ],
      ['outcry_history_recoveries_total', 'result', [...recoveryResults]],
      ['outcry_snapshots_sent_total', 'reason', ['subscribed', 'conflated', 'epoch_changed', 'not_kept']],
      ['outcry_snapshots_refused_total', 'reason', ['unavailable', 'too_much']],
      ['outcry_dashboard_viewers_closed_total', 'reason', [...endReasons]],
      ['outcry_dashboard_refused_total', 'reason', [...dashboardRefusals]],
    ]);
  });
});

function highest(metric: Metric): number {
  if (metric instanceof LabelledHistogram) return [...metric.histograms()].length;
  if (metric instanceof LabelledCounter) return Math.max(...Object.values(metric.values));
  return metric instanceof Histogram ? metric.sum + Math.max(...metric.counts) : metric.value;
}
