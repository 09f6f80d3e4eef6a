/**
 * Where some of the shards of a cluster are: behind one broker.
 */
import type { Broker } from './broker.ts';

/** Changes whenever nodes could no longer understand each other's channels. */
const layoutVersion = 1;

export interface RedisPlace {
  readonly broker: Broker;
  /** In ascending order. */
  readonly shards: readonly number[];
  /** The Redis channel of beats and questions. */
  readonly controlChannel: string;
  /** The key under which the cluster keeps how its channels are laid out, and what this node expects there. */
  readonly layoutKey: string;
  readonly layout: string;
}

/** One Redis that has everything. */
export function onlyPlace(broker: Broker, prefix: string, shards: number): RedisPlace {
  return {
    broker,
    shards: Array.from({ length: shards }, (_, shard) => shard),
    controlChannel: `${prefix}.v1.beat`,
    layoutKey: `${prefix}.meta`,
    layout: `layout=${layoutVersion} shards=${shards}`,
  };
}
