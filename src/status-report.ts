/**
 * What one node says of itself to whoever watches: a part of `/metrics` in a form that a page can subtract and add.
 *
 * Counters and buckets count from the start of the node, so a report that was missed costs nothing; a reader subtracts two
 * reports of the same boot. Only the busiest channels are counted from one report to the next, over `busiest.overMs`.
 */
import type { BusyChannel } from './channel/busy-channels.ts';
import type { Histogram, LabelledHistogram } from './metrics/counter.ts';
import type { Metrics } from './metrics/metrics.ts';

/** Observations per upper bound in seconds, and last those above all of them. */
export interface Distribution {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

export interface StatusReport {
  readonly node: string;
  /** Random, another one after each start. */
  readonly boot: string;
  readonly version: string;
  readonly runtime: 'bun' | 'node';
  /** Milliseconds since 1970 by the clock of the node. */
  readonly time: number;
  readonly uptimeMs: number;
  readonly state: 'waiting' | 'ready' | 'stopping';
  /** What it waits for. */
  readonly lacking: readonly string[];
  /** As `outcry_drain_phase`. */
  readonly drainPhase: number;
  /** Whether other nodes are reached: null for one that is alone. */
  readonly bridge: boolean | null;
  readonly gauges: Readonly<Record<'connections' | 'subscriptions' | 'channels' | 'viewers', number>>;
  readonly residentBytes: number;
  readonly counters: Readonly<Record<CounterName, number>>;
  readonly publishToWrite: Distribution;
  readonly bridgeLag: Distribution;
  readonly loopDelay: Distribution;
  readonly busiest: { readonly overMs: number; readonly channels: readonly BusyChannel[] };
}

export type CounterName =
  | 'published'
  | 'deliveries'
  | 'deliveredBytes'
  | 'opened'
  | 'closed'
  | 'refused'
  /** Connections that ended or were cut off because they did not read. */
  | 'slow'
  /** Publications that did not get to other nodes or into a history. */
  | 'dropped'
  /** Times that subscribers of a channel were told that something may be missing. */
  | 'gaps'
  /** Frames of other nodes that never arrived. */
  | 'framesMissed'
  | 'recovered'
  | 'notRecovered'
  | 'handlerErrors'
  | 'cpuMs';

export function countersOf(metrics: Metrics): StatusReport['counters'] {
  const { bridge, history } = metrics;
  const { healed: _, ...gaps } = metrics.gapsTold.values;
  const { recovered, ...notRecovered } = history.recoveries.values;
  const { user, system } = process.cpuUsage();
  return {
    published: metrics.publicationsReceived.value + metrics.apiPublications.value,
    deliveries: metrics.deliveries.value,
    deliveredBytes: metrics.bytesDelivered.value,
    opened: metrics.connectionsOpened.value,
    closed: sum(metrics.connectionsClosed.values),
    refused: sum(metrics.handshakesRefused.values),
    slow: metrics.connectionsClosed.values.slow_consumer,
    dropped: sum(bridge.publicationsDropped.values) + sum(history.publicationsNotAppended.values),
    gaps: sum(gaps),
    framesMissed: bridge.framesMissed.value,
    recovered,
    notRecovered: sum(notRecovered),
    handlerErrors: sum(metrics.handlerErrors.values),
    cpuMs: Math.round((user + system) / 1_000),
  };
}

export function distribution({ bounds, counts }: Histogram): Distribution {
  return { bounds, counts };
}

/** All namespaces but those of nodes themselves. */
export function allTogether(metric: LabelledHistogram, except: string): Distribution {
  const counts: number[] = new Array(metric.bounds.length + 1).fill(0);
  for (const [name, histogram] of metric.histograms())
    if (name !== except)
      histogram.counts.forEach((count, i) => {
        counts[i] = (counts[i] as number) + count;
      });
  return { bounds: metric.bounds, counts };
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
