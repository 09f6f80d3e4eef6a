/**
 * The connections of a history over Redis: which one has which shards. Most often there is one for all; over several servers
 * each has its own, and in a Redis Cluster shards go from one to another.
 */
import type { RedisLink } from './redis-link.ts';

export class ShardLinks {
  readonly #links: (RedisLink | null)[];

  constructor(shards: number) {
    this.#links = new Array(shards).fill(null);
  }

  /** Null if nobody has the shard. */
  of(shard: number): RedisLink | null {
    return this.#links[shard] ?? null;
  }

  /** From now on it has these shards. */
  assign(shards: readonly number[], link: RedisLink): void {
    for (const shard of shards) this.#links[shard] = link;
  }

  /** All of them can be asked now, as far as is known. */
  get ready(): boolean {
    return this.#links.every((link) => link?.ready === true);
  }

  end(): void {
    for (const link of new Set(this.#links)) link?.end();
    this.#links.fill(null);
  }
}
