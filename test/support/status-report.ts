/**
 * Reports of a node as they would be, with what a test says of them.
 */

import { Metrics } from '../../src/metrics/metrics.ts';
import { countersOf, distribution, type StatusReport } from '../../src/status-report.ts';

export type ReportParts = Partial<Omit<StatusReport, 'gauges' | 'counters'>> & {
  gauges?: Partial<StatusReport['gauges']>;
  counters?: Partial<StatusReport['counters']>;
};

/** @param node its boot id is the same with `-boot` behind, unless that is said too */
export function reportOf(node: string, parts: ReportParts = {}): StatusReport {
  const metrics = new Metrics();
  const zero = Object.fromEntries(Object.keys(countersOf(metrics)).map((name) => [name, 0]));
  return {
    node,
    boot: `${node}-boot`,
    version: '0.1.0',
    runtime: 'bun',
    time: 0,
    uptimeMs: 0,
    state: 'ready',
    lacking: [],
    drainPhase: 0,
    bridge: true,
    residentBytes: 60_000_000,
    publishToWrite: distribution(metrics.bridge.lag),
    bridgeLag: distribution(metrics.bridge.lag),
    loopDelay: distribution(metrics.loopDelay),
    busiest: { overMs: 1_000, channels: [] },
    ...parts,
    gauges: { connections: 0, subscriptions: 0, channels: 0, viewers: 0, ...parts.gauges },
    counters: { ...(zero as StatusReport['counters']), ...parts.counters },
  };
}
