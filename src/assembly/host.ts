/**
 * Puts together what joins a worker to the other workers of its host, and through their relay to other hosts.
 */
import { QuietLog } from '../bridge/quiet-log.ts';
import { RedisBridge } from '../bridge/redis-bridge.ts';
import { fixedPlacement } from '../bridge/redis-place.ts';
import { relayAt } from '../bridge/relay-broker.ts';
import { RelayConnection } from '../bridge/relay-connection.ts';
import type { ServedHistory } from '../bridge/served-history.ts';
import type { History } from '../history/history.ts';
import { RelayHistory } from '../history/relay-history.ts';
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import { type ClusterOptions, clusterOf, redisHistory } from './cluster.ts';

/** @param path of the socket of the relay */
export function joinHost(
  options: ClusterOptions,
  path: string,
): { bridge: RedisBridge; history: History | null } {
  const { settings, nodeId, logger, bootId, metrics, readiness, policy } = options;
  const common = clusterOf(settings);
  const link = { path, bootId, ...common };
  const need = settings.redisUrl === null ? 'relay' : 'redis';
  const served =
    policy === null
      ? null
      : settings.redisUrl === null
        ? relayHistory(options, policy, link)
        : redisHistory(options, policy, false);
  readiness.lacks(need);
  const bridge = new RedisBridge({
    ...common,
    placement: fixedPlacement([relayAt(link)], common.prefix, common.shards),
    sender: { nodeId, bootId },
    history: served,
    logger,
    metrics: metrics.bridge,
    onState: (state) => (state === 'connected' ? readiness.has(need) : readiness.lacks(need)),
  });
  return { bridge, history: served?.history ?? null };
}

/** The history that the relay keeps. */
function relayHistory(
  { logger, metrics, readiness, doubt, reachable }: ClusterOptions,
  policy: ChannelPolicy,
  link: { path: string; bootId: string } & ReturnType<typeof clusterOf>,
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
        role: 'history',
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
