/**
 * Chooses what joins a node to others: the relay of its host, a Redis, or nothing; and with it what keeps its histories.
 */
import type { Bridge } from '../bridge/bridge.ts';
import type { Cluster } from '../bridge/cluster.ts';
import { InProcessBridge } from '../bridge/in-process-bridge.ts';
import type { History } from '../history/history.ts';
import { type ClusterOptions, joinCluster } from './cluster.ts';
import type { Ground } from './ground.ts';
import { joinHost } from './host.ts';
import { memoryHistory } from './sequencing.ts';

export interface Neighbours {
  readonly bridge: Bridge & Cluster;
  /** Null if no namespace has one. */
  readonly history: History | null;
  /** There are none, and never will be. */
  readonly isAlone: boolean;
}

/** @throws UserError when the address or the certificate of the Redis cannot be used */
export function neighboursOf(
  ground: Ground,
  { doubt, reachable }: Pick<ClusterOptions, 'doubt' | 'reachable'>,
): Neighbours {
  const { settings, policy, metrics, relayPath } = ground;
  const options = { ...ground, policy: policy.keepsAny ? policy : null, doubt, reachable };
  if (relayPath !== null) return { ...joinHost(options, relayPath), isAlone: false };
  if (settings.redisUrl !== null) return { ...joinCluster(options), isAlone: false };
  const history = policy.keepsAny ? memoryHistory(settings, policy, metrics) : null;
  return { bridge: new InProcessBridge(), history, isAlone: true };
}
