/**
 * Names of channels that lie where a test wants them.
 */
import { shardOf } from '../../src/protocol/shard.ts';

/** As many as nodes have unless told otherwise. */
const shards = 64;

/** The first of `<prefix>0`, `<prefix>1`, … whose shard is one that `fits`. */
export function channelIn(prefix: string, fits: (shard: number) => boolean): string {
  for (let number = 0; ; number += 1) {
    const name = `${prefix}${number}`;
    if (fits(shardOf(name, shards))) return name;
  }
}
