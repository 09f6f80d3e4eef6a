/**
 * Redis itself as the broker: each connection of the bridge is one to Redis.
 */
import type { Broker } from './broker.ts';
import { probe, RedisConnection, type RedisConnectionOptions } from './redis-connection.ts';

/** What `CLIENT LIST` shows of a connection, before the boot id. */
const names = { publisher: 'outcry-pub', subscriber: 'outcry-sub' } as const;

export function redisBroker(
  options: Pick<RedisConnectionOptions, 'address' | 'ca' | 'commandTimeoutMs'>,
  bootId: string,
): Broker {
  return {
    name: 'Redis',
    // Sentinels may name another master without the old one hearing of it, and whoever comes new goes there.
    mayMove: options.address.sentinelMaster !== null,
    dial: (role, events) => new RedisConnection({ ...options, ...events, name: `${names[role]}:${bootId}` }),
    look: () => probe({ ...options, name: `outcry-probe:${bootId}` }),
  };
}
