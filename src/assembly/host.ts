/**
 * Puts together what joins a worker to the other workers of its host, and through their relay to other hosts.
 */
import { QuietLog } from '../bridge/quiet-log.ts';
import { RedisBridge } from '../bridge/redis-bridge.ts';
import { fixedPlacement } from '../bridge/redis-place.ts';
import { relayAt } from '../bridge/relay-broker.ts';
import { RelayConnection } from '../bridge/relay-connection.ts';
import { RelayPlacement } from '../bridge/relay-placement.ts';
import { hostItself } from '../bridge/relayed-place.ts';
import type { ServedHistory } from '../bridge/served-history.ts';
import type { History } from '../history/history.ts';
import { RelayHistory } from '../history/relay-history.ts';
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import { type ClusterOptions, clusterOf, redisHistory } from './cluster.ts';
import { targetOf } from './redis-places.ts';

/** @param path of the socket of the relay */
export function joinHost(
  options: ClusterOptions,
  path: string,
): { bridge: RedisBridge; history: History | null } {
  const { settings, nodeId, logger, bootId, metrics, readiness, policy } = options;
  const common = clusterOf(settings);
  const link = { path, bootId, ...common };
  const alone = settings.redisUrl === null;
  const need = alone ? 'relay' : 'redis';
  const served = policy === null ? null : historyOf(options, policy, link);
  const log = new QuietLog(logger, common.clock);
  readiness.lacks(need);
  const bridge = new RedisBridge({
    ...common,
    placement: alone
      ? fixedPlacement([relayAt({ ...link, place: hostItself })], common.prefix, common.shards)
      : new RelayPlacement({
          ...link,
          onError: (reason) => log.trouble('warn', { reason }, 'the relay of this host cannot be reached'),
        }),
    sender: { nodeId, bootId },
    history: served,
    logger,
    metrics: metrics.bridge,
    onState: (state) => (state === 'connected' ? readiness.has(need) : readiness.lacks(need)),
  });
  return { bridge, history: served?.history ?? null };
}

type Link = { path: string; bootId: string } & ReturnType<typeof clusterOf>;

function historyOf(
  options: ClusterOptions,
  policy: ChannelPolicy,
  link: Link,
): ServedHistory & { history: History } {
  const { settings } = options;
  if (settings.redisUrl === null) return relayHistory(options, policy, link);
  return redisHistory(options, policy, targetOf(settings).kind === 'cluster');
}

/** The history that the relay keeps. */
function relayHistory(
  { logger, metrics, readiness, doubt, reachable }: ClusterOptions,
  policy: ChannelPolicy,
  link: Link,
): ServedHistory & { history: RelayHistory } {
  const log = new QuietLog(logger, link.clock);
  let serverId: string | null = null;
  const trouble = (reason: string) =>
    log.trouble('warn', { reason }, 'the history in the relay of this host cannot be reached');
  readiness.lacks('history');
  const history = new RelayHistory({
    ...link,
    retention: (channel) => policy.retention(channel),
    metrics: metrics.history,
    onTrouble: trouble,
    dial: () =>
      new RelayConnection({
        ...link,
        ...{ role: 'history', place: hostItself },
        onReady({ runId }) {
          serverId = runId;
          readiness.has('history');
          reachable();
        },
        onLost() {
          serverId = null;
          readiness.lacks('history');
        },
        onError: trouble,
        onMessage() {},
      }),
  });
  return {
    history,
    pubsubChannel: (shard) => history.pubsubChannel(shard),
    frame: (shard, bytes) => history.frame(shard, bytes),
    doubt,
    open: () => ({
      serverId: () => serverId,
      reconnect: () => history.reconnect(),
      // With the history.
      end() {},
    }),
  };
}
