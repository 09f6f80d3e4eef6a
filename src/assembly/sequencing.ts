/**
 * Puts together what carries channels with history through this node.
 */
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import type { Bridge } from '../bridge/bridge.ts';
import type { Hub } from '../channel/hub.ts';
import { Recoveries } from '../channel/recoveries.ts';
import { SequencedRooms } from '../channel/sequenced-rooms.ts';
import { systemClock } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import { CoalescedReads } from '../history/coalesced-reads.ts';
import type { History } from '../history/history.ts';
import { MemoryHistory } from '../history/memory-history.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** Idempotency keys that a node without Redis remembers. */
const maxIdempotencyKeysInMemory = 1_000_000;

export interface SequencingOptions {
  settings: Settings;
  history: History;
  hub: Hub;
  bridge: Bridge;
  policy: ChannelPolicy;
  metrics: Metrics;
  /** Memory is short: nothing is read for those who join. */
  sparesReads: () => boolean;
}

export type Sequencing = ReturnType<typeof sequence>;

export function sequence({
  settings,
  history,
  hub,
  bridge,
  policy,
  metrics,
  sparesReads,
}: SequencingOptions) {
  const retention = (channel: string) => policy.retention(channel);
  const common = { retention, clock: systemClock, metrics: metrics.history };
  const rooms = new SequencedRooms({
    ...common,
    history,
    hub,
    reaches: (channel) => bridge.reaches(channel),
    latestMetrics: metrics.latest,
    maxTailBytes: settings.tailMaxBytes,
    maxTailBytesTogether: settings.tailMaxBytesTogether,
  });
  const reads = new CoalescedReads(history, (count) => {
    metrics.history.readsShared.value += count;
  });
  const recoveries = new Recoveries({
    ...common,
    rooms,
    bridge,
    history: {
      read: (channel, since, count) => reads.read(channel, since, count),
      last: (channel, count) => history.last(channel, count),
    },
    maxPublications: settings.recoveryMaxPublications,
    maxBytes: settings.recoveryMaxBytes,
    maxReading: settings.maxRecoveries,
    maxWaiting: settings.maxRecoveriesWaiting,
    timeoutMs: settings.recoveryTimeoutMs,
    sparesReads,
  });
  const keepsHistory = (channel: string) => policy.keepsHistory(channel);
  return { keepsHistory, history, rooms, recoveries, metrics: metrics.history };
}

/** The history of a node that is alone. */
export function memoryHistory(settings: Settings, policy: ChannelPolicy, metrics: Metrics): History {
  return new MemoryHistory({
    retention: (channel) => policy.retention(channel),
    maxBytes: settings.historyMaxBytes,
    maxChannels: settings.historyMaxChannels,
    maxIdempotencyKeys: maxIdempotencyKeysInMemory,
    clock: systemClock,
    metrics: metrics.history,
  });
}
