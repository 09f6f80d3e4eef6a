/**
 * Puts together the relay of a host and takes it apart again.
 */
import { randomBytes } from 'node:crypto';
import { ChannelPolicy } from '../auth/channel-policy.ts';
import { LocalUpstream } from '../bridge/local-upstream.ts';
import { QuietLog } from '../bridge/quiet-log.ts';
import { RedisBridge } from '../bridge/redis-bridge.ts';
import { RedisUpstreams } from '../bridge/redis-upstreams.ts';
import { Relay } from '../bridge/relay.ts';
import type { RelayUpstreams } from '../bridge/relay-upstream.ts';
import { systemClock } from '../clock.ts';
import { resolveNamespaces } from '../config/namespaces.ts';
import type { Settings } from '../config/settings.ts';
import { KeptHistory } from '../history/kept-history.ts';
import { appendScript } from '../history/redis-append-script.ts';
import { claimScript } from '../history/redis-claim-script.ts';
import { readScript } from '../history/redis-read-script.ts';
import { inCluster } from '../history/redis-script.ts';
import type { Logger } from '../logger.ts';
import type { Metric } from '../metrics/counter.ts';
import { Exposition } from '../metrics/exposition.ts';
import { Metrics } from '../metrics/metrics.ts';
import { RelayMetrics } from '../metrics/relay-metrics.ts';
import { clusterOf } from './cluster.ts';
import { placementOf, targetOf } from './redis-places.ts';
import { memoryHistory } from './sequencing.ts';

export interface RunningRelay {
  /** In the Prometheus text form. */
  metricsText(): Promise<string>;
  /** When the last worker has gone, or has had its time to go. */
  stopUnused(): Promise<void>;
}

/** What a worker may take beyond its own limits for stopping. */
const graceMs = 5_000;

export interface RelayProcessOptions {
  settings: Settings;
  nodeId: string;
  logger: Logger;
  /** Of the Unix socket. */
  path: string;
}

/** @throws UserError when the socket cannot be made, or the Redis cannot be used */
export async function startRelay(options: RelayProcessOptions): Promise<RunningRelay> {
  const { settings, logger, path } = options;
  const metrics = new Metrics();
  const relayMetrics = new RelayMetrics();
  const policy = new ChannelPolicy(resolveNamespaces(settings));
  const upstreams =
    settings.redisUrl === null
      ? localUpstream(settings, policy, metrics)
      : redisUpstreams(options, policy, metrics);
  const relay = await Relay.start({
    path,
    upstreams,
    maxBytesWaiting: settings.relayMaxBytesWaiting,
    clock: systemClock,
    log: new QuietLog(logger, systemClock),
    metrics: relayMetrics,
  });
  const exposition = new Exposition({
    all: (): Metric[] => [
      ...relayMetrics.all(),
      // What a history counts is counted by those who ask it.
      ...(settings.redisUrl === null ? [] : Object.values(metrics.bridge)),
    ],
  });
  return {
    metricsText: () => exposition.text(),
    async stopUnused() {
      const { drainDelayMs, drainWindowMs, shutdownTimeoutMs } = settings;
      await relay.unused(drainDelayMs + drainWindowMs + shutdownTimeoutMs + graceMs);
      await relay.stop();
    },
  };
}

/** Nobody but the workers of this host. */
function localUpstream(settings: Settings, policy: ChannelPolicy, metrics: Metrics): RelayUpstreams {
  const { prefix, shards } = clusterOf(settings);
  const history = policy.keepsAny
    ? new KeptHistory(memoryHistory(settings, policy, metrics), { prefix, shards })
    : null;
  return new LocalUpstream(history, controlChannelOf(settings)).alone();
}

function redisUpstreams(
  { settings, nodeId, logger }: RelayProcessOptions,
  policy: ChannelPolicy,
  metrics: Metrics,
): RelayUpstreams {
  const cluster = clusterOf(settings);
  const { prefix, shards } = cluster;
  const bootId = randomBytes(8).toString('hex');
  const log = new QuietLog(logger, systemClock);
  const frameChannels = new Set(
    Array.from({ length: shards }, (_, shard) => `${prefix}.v1.${shards}.{${shard}}`),
  );
  const scripts = [appendScript, claimScript, readScript].map((script) =>
    targetOf(settings).kind === 'cluster' ? inCluster(script) : script,
  );
  return new RedisUpstreams({
    ...cluster,
    placement: placementOf(settings, `outcry-look:${bootId}`, log),
    keepsHistory: policy.keepsAny,
    watch(placement, history, onPlaceState) {
      const bridge = new RedisBridge({
        ...{ ...cluster, placement, history, logger, sender: { nodeId, bootId } },
        ...{ metrics: metrics.bridge, onPlaceState, onState() {} },
      });
      bridge.represent({
        // It has no clients.
        counts: () => ({ connections: 0, channels: 0, subscriptions: 0, state: null, viewers: 0 }),
        answer: () => ({ value: 0, channels: [] }),
      });
      return bridge;
    },
    historyName: `outcry-his:${bootId}`,
    scripts: new Map(scripts.map((script) => [script.sha1, script])),
    carriesFrames: (channel) => frameChannels.has(channel),
    onTrouble: (reason) => log.trouble('warn', { reason }, 'Redis cannot be reached'),
  });
}

/** Of beats and questions. */
function controlChannelOf({ redisPrefix }: Settings): string {
  return `${redisPrefix}.v1.beat`;
}
