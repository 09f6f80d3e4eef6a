/**
 * Redis itself as the broker: each connection of the bridge is one to Redis.
 */
import { redisNames } from '../config/redis-url.ts';
import type { Broker } from './broker.ts';
import { RedisConnection, type RedisConnectionOptions, visit } from './redis-connection.ts';
import type { RedisServerAddress } from './redis-place.ts';
import { watchSentinels } from './redis-sentinels.ts';

type Dial = Pick<RedisConnectionOptions, 'address' | 'ca' | 'commandTimeoutMs' | 'inCluster'>;

/** One server, or the master that sentinels name, with what leads there. */
export function redisAt(options: Dial): RedisServerAddress {
  return {
    name: redisNames(options.address).join(),
    broker: redisBroker(options),
    dialHistory: (name, events) => new RedisConnection({ ...options, ...events, name }),
  };
}

function redisBroker(options: Dial): Broker {
  return {
    name: 'Redis',
    // Sentinels, or the other servers of a Cluster, may name another master without the old one hearing of it.
    mayMove: options.address.sentinelMaster !== null || options.inCluster === true,
    dial: (name, events) => new RedisConnection({ ...options, ...events, name }),
    look: (name) => visit({ ...options, name }, (connection) => connection.identify()),
    ...(options.address.sentinelMaster === null
      ? {}
      : { watch: (name, onSwitch) => watchSentinels({ ...options, name, onSwitch }) }),
  };
}
