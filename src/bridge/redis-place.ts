/**
 * Where some of the shards of a cluster are: one Redis server, or the master that sentinels name.
 */
import type { RedisAddress } from '../config/redis-url.ts';

/** Changes whenever nodes could no longer understand each other's channels. */
const layoutVersion = 1;

export interface RedisPlace {
  readonly address: RedisAddress;
  /** In ascending order. */
  readonly shards: readonly number[];
  /** The Redis channel of beats and questions. */
  readonly controlChannel: string;
  /** The key under which the cluster keeps how its channels are laid out, and what this node expects there. */
  readonly layoutKey: string;
  readonly layout: string;
}

/** One Redis that has everything. */
export function onlyPlace(address: RedisAddress, prefix: string, shards: number): RedisPlace {
  return {
    address,
    shards: Array.from({ length: shards }, (_, shard) => shard),
    controlChannel: `${prefix}.v1.beat`,
    layoutKey: `${prefix}.meta`,
    layout: `layout=${layoutVersion} shards=${shards}`,
  };
}
