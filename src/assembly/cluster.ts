/**
 * Puts together what joins this node to others through a Redis: the bridge and, where channels have a history, the history
 * over the same Redis.
 */
import { readFileSync } from 'node:fs';
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import { QuietLog } from '../bridge/quiet-log.ts';
import type { BrokerEvents } from '../bridge/broker.ts';
import { RedisBridge } from '../bridge/redis-bridge.ts';
import { redisBroker } from '../bridge/redis-broker.ts';
import { RedisConnection } from '../bridge/redis-connection.ts';
import type { ServedHistory } from '../bridge/served-history.ts';
import { systemClock } from '../clock.ts';
import { parseRedisUrl } from '../config/redis-url.ts';
import type { Settings } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import { ClaimWatch } from '../history/claim-watch.ts';
import { RedisHistory } from '../history/redis-history.ts';
import type { RedisLink } from '../history/redis-link.ts';
import type { Readiness } from '../lifecycle/readiness.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { shardOf } from '../protocol/shard.ts';

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
  const common = { ...placeOf(settings), ...clusterOf(settings) };
  const dial = (events: BrokerEvents) =>
    new RedisConnection({ ...common, ...events, name: `outcry-his:${bootId}` });
  const served = options.policy === null ? null : redisHistory(options, options.policy, dial);
  readiness.lacks('redis');
  const bridge = new RedisBridge({
    ...common,
    broker: redisBroker(common),
    sender: { nodeId, bootId },
    history: served,
    logger,
    metrics: metrics.bridge,
    onState: (state) => (state === 'connected' ? readiness.has('redis') : readiness.lacks('redis')),
  });
  return { bridge, history: served?.history ?? null };
}

/**
 * Where the Redis is.
 *
 * @throws UserError
 */
export function placeOf({ redisUrl, redisCaFile, redisCommandTimeoutMs }: Settings) {
  const address = parseRedisUrl(redisUrl ?? '');
  if (address === null) throw new UserError('redisUrl is not the address of a Redis');
  return {
    address,
    ca: redisCaFile === null ? null : readCertificate(redisCaFile),
    commandTimeoutMs: redisCommandTimeoutMs,
  };
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
 * The history over the Redis of the bridge.
 *
 * @param dial makes a connection of its own
 */
export function redisHistory(
  { settings, bootId, logger, metrics, readiness, doubt, reachable }: ClusterOptions,
  policy: ChannelPolicy,
  dial: (events: BrokerEvents) => RedisLink,
): ServedHistory & { history: RedisHistory } {
  const common = clusterOf(settings);
  const log = new QuietLog(logger, systemClock);
  let serverId: string | null = null;
  const trouble = (reason: string) =>
    log.trouble('warn', { reason }, 'the history in Redis cannot be reached');
  readiness.lacks('history');
  const history = new RedisHistory({
    ...common,
    bootId,
    retention: (channel) => policy.retention(channel),
    metrics: metrics.history,
    onTrouble: trouble,
    onGeneration: (shard) => doubt((channel) => shardOf(channel, common.shards) === shard),
    dial: ({ onReady, onLost }) =>
      dial({
        onReady({ runId }) {
          serverId = runId;
          onReady();
          claims.connected();
        },
        onLost() {
          serverId = null;
          claims.lost();
          onLost();
        },
        onError: trouble,
        onMessage() {},
      }),
  });
  const claims = new ClaimWatch({
    shards: common.shards,
    claimable: (shard) => history.claimable(shard),
    clock: common.clock,
    onChange(works) {
      if (!works) {
        readiness.lacks('history');
        return;
      }
      readiness.has('history');
      reachable();
    },
  });
  return {
    history,
    pubsubChannel: (shard) => history.pubsubChannel(shard),
    frame: (shard, bytes) => history.frame(shard, bytes),
    doubt,
    reconnect: () => history.reconnect(),
    serverId: () => serverId,
  };
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`redisCaFile: ${file} cannot be read: ${(error as Error).message}`);
  }
}
