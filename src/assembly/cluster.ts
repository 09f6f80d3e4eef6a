/**
 * Puts together what joins this node to others through a Redis: the bridge and, where channels have a history, the history
 * over the same Redis.
 */
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import { QuietLog } from '../bridge/quiet-log.ts';
import { RedisBridge } from '../bridge/redis-bridge.ts';
import type { RedisPlace } from '../bridge/redis-place.ts';
import type { HistoryLink, ServedHistory } from '../bridge/served-history.ts';
import { systemClock } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import { ClaimWatch } from '../history/claim-watch.ts';
import { RedisHistory } from '../history/redis-history.ts';
import type { Readiness } from '../lifecycle/readiness.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { shardOf } from '../protocol/shard.ts';
import { placementOf, targetOf } from './redis-places.ts';

export interface ClusterOptions {
  settings: Settings;
  nodeId: string;
  logger: Logger;
  bootId: string;
  metrics: Metrics;
  readiness: Readiness;
  /** Null if this node has no channels with history. */
  policy: ChannelPolicy | null;
  doubt: ServedHistory['doubt'];
  /** The history can be asked (again). */
  reachable(): void;
}

/** @throws UserError when the address or the certificate of the Redis cannot be used */
export function joinCluster(options: ClusterOptions): { bridge: RedisBridge; history: RedisHistory | null } {
  const { settings, nodeId, logger, bootId, metrics, readiness } = options;
  const inCluster = targetOf(settings).kind === 'cluster';
  const served = options.policy === null ? null : redisHistory(options, options.policy, inCluster);
  readiness.lacks('redis');
  const bridge = new RedisBridge({
    ...clusterOf(settings),
    placement: placementOf(settings, `outcry-look:${bootId}`, new QuietLog(logger, systemClock)),
    sender: { nodeId, bootId },
    history: served,
    logger,
    metrics: metrics.bridge,
    onState: (state) => (state === 'connected' ? readiness.has('redis') : readiness.lacks('redis')),
  });
  return { bridge, history: served?.history ?? null };
}

/** What bridge and history must know of the cluster, wherever its Redis is. */
export function clusterOf(settings: Settings) {
  return {
    prefix: settings.redisPrefix,
    shards: settings.redisShards,
    commandTimeoutMs: settings.redisCommandTimeoutMs,
    maxBytesInFlight: settings.redisMaxBytesInFlight,
    batch: {
      maxDelayMs: settings.bridgeMaxDelayMs,
      maxBytes: settings.bridgeMaxFrameBytes,
      maxItems: settings.bridgeMaxFramePublications,
    },
    clock: systemClock,
  };
}

/**
 * The history over the Redis of the bridge, with a connection of its own to each place.
 *
 * @param inCluster it is a Redis Cluster
 */
export function redisHistory(
  { settings, bootId, logger, metrics, readiness, doubt, reachable }: ClusterOptions,
  policy: ChannelPolicy,
  inCluster: boolean,
): ServedHistory & { history: RedisHistory } {
  const common = clusterOf(settings);
  const log = new QuietLog(logger, systemClock);
  const trouble = (reason: string) =>
    log.trouble('warn', { reason }, 'the history in Redis cannot be reached');
  readiness.lacks('history');
  const history = new RedisHistory({
    ...common,
    inCluster,
    bootId,
    retention: (channel) => policy.retention(channel),
    metrics: metrics.history,
    onTrouble: trouble,
    onGeneration: (shard) => doubt((channel) => shardOf(channel, common.shards) === shard),
  });
  /** Of each place that there is, whether its shards can be claimed. */
  const works = new Map<RedisPlace, boolean>();
  const assess = (): void => {
    if (works.size > 0 && [...works.values()].every((each) => each)) readiness.has('history');
    else readiness.lacks('history');
  };
  const open = (place: RedisPlace, lost: () => void): HistoryLink => {
    let serverId: string | null = null;
    works.set(place, false);
    assess();
    const claims = new ClaimWatch({
      shards: place.shards,
      claimable: (shard) => history.claimable(shard),
      clock: common.clock,
      onChange(claimable) {
        if (!works.has(place)) return;
        works.set(place, claimable);
        assess();
        if (claimable) reachable();
      },
    });
    const link = history.connect(place.shards, ({ onReady, onLost }) =>
      place.dialHistory(`outcry-his:${bootId}`, {
        onReady({ runId }) {
          serverId = runId;
          onReady();
          claims.connected();
        },
        onLost() {
          serverId = null;
          claims.lost();
          onLost();
          lost();
        },
        onError: trouble,
        onMessage() {},
      }),
    );
    return {
      serverId: () => serverId,
      reconnect: () => link.reconnect(),
      end() {
        works.delete(place);
        claims.lost();
        link.end();
      },
    };
  };
  return {
    history,
    pubsubChannel: (shard) => history.pubsubChannel(shard),
    frame: (shard, bytes) => history.frame(shard, bytes),
    doubt,
    open,
  };
}
