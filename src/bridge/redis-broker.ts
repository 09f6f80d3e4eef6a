/**
 * Redis itself as the broker: each connection of the bridge is one to Redis.
 */
import type { Broker } from './broker.ts';
import { probe, RedisConnection, type RedisConnectionOptions } from './redis-connection.ts';

export function redisBroker(
  options: Pick<RedisConnectionOptions, 'address' | 'ca' | 'commandTimeoutMs'>,
): Broker {
  return {
    name: 'Redis',
    // Sentinels may name another master without the old one hearing of it, and whoever comes new goes there.
    mayMove: options.address.sentinelMaster !== null,
    dial: (name, events) => new RedisConnection({ ...options, ...events, name }),
    look: (name) => probe({ ...options, name }),
  };
}
