/**
 * Puts together what joins this node to others through a Redis: the bridge and, where channels have a history, the history
 * over the same Redis.
 */
import { readFileSync } from 'node:fs';
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import { QuietLog } from '../bridge/quiet-log.ts';
import { RedisBridge } from '../bridge/redis-bridge.ts';
import { redisBroker } from '../bridge/redis-broker.ts';
import { RedisConnection, type RedisConnectionOptions } from '../bridge/redis-connection.ts';
import type { ServedHistory } from '../bridge/served-history.ts';
import { systemClock } from '../clock.ts';
import { parseRedisUrl } from '../config/redis-url.ts';
import type { Settings } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import { ClaimWatch } from '../history/claim-watch.ts';
import { RedisHistory, type RedisHistoryOptions } from '../history/redis-history.ts';
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
  const address = parseRedisUrl(settings.redisUrl ?? '');
  if (address === null) throw new UserError('redisUrl is not the address of a Redis');
  const log = new QuietLog(logger, systemClock);
  const common = {
    address,
    ca: settings.redisCaFile === null ? null : readCertificate(settings.redisCaFile),
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
  const served = options.policy === null ? null : redisHistory(options, options.policy, common, log);
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

/** The history over the Redis of the bridge, with a connection of its own. */
function redisHistory(
  { bootId, metrics, readiness, doubt, reachable }: ClusterOptions,
  policy: ChannelPolicy,
  common: Pick<RedisConnectionOptions, 'address' | 'ca' | 'commandTimeoutMs'> &
    Pick<
      RedisHistoryOptions,
      'prefix' | 'shards' | 'commandTimeoutMs' | 'maxBytesInFlight' | 'batch' | 'clock'
    >,
  log: QuietLog,
): ServedHistory & { history: RedisHistory } {
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
      new RedisConnection({
        ...common,
        name: `outcry-his:${bootId}`,
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
