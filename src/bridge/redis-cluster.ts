/**
 * A Redis Cluster: which of its masters has which shards, and noticing when that changes.
 *
 * The tag of a shard, `{n}`, belongs to a slot, and a slot to a master. So the shards of one master are a place, which has
 * beats and an agreement of its own, under the tag of its first shard: a publication stays within the slot of its channel
 * (`SPUBLISH`), so whether it arrives can be told for each master alone, and only for each.
 *
 * **Looking.** Whoever misses something says so, and each place looks now and then; then some servers of the Cluster are asked
 * at once, and the first that may be believed is. One that has lost sight of a master is not: it may be on the smaller side of
 * a split, where the view of before stays. Nor is one that is behind in epochs: it has slept through a failover.
 */
import type { Clock, Timer } from '../clock.ts';
import { type RedisAddress, redisNames } from '../config/redis-url.ts';
import { type ClusterView, type RedisHost, slotOf } from './cluster-slots.ts';
import type { QuietLog } from './quiet-log.ts';
import { redisAt } from './redis-broker.ts';
import { type RedisConnectionOptions, visit } from './redis-connection.ts';
import { layoutOf, type Placement, type RedisPlace } from './redis-place.ts';

/** Servers that are asked at once. */
const askedAtOnce = 3;
/** Suspicions that come together are followed once. */
const suspectPauseMs = 100;
/** While it is not known where everything is, somebody is asked again after this long. */
const lookAgainAfterMs = 1_000;
/** Servers that are remembered, besides those of the setting. */
const maxHosts = 1_000;
/** When all servers have been behind for this long, the Cluster was made anew. */
const believeOlderAfterMs = 30_000;

export interface RedisClusterOptions {
  /** Servers of the Cluster, any of them. */
  seeds: readonly RedisAddress[];
  dial: Pick<RedisConnectionOptions, 'ca' | 'commandTimeoutMs'>;
  prefix: string;
  shards: number;
  /** Shown in `CLIENT LIST` of those that are asked. */
  name: string;
  clock: Clock;
  random(): number;
  log: QuietLog;
}

export class RedisCluster implements Placement {
  readonly #options: RedisClusterOptions;
  readonly #slots: readonly number[];
  /** By shard; null while nobody has said. */
  readonly #masters: (RedisHost | null)[];
  #hosts: readonly RedisHost[] = [];
  #places: readonly RedisPlace[] = [];
  #onChange: (places: readonly RedisPlace[]) => void = () => {};
  #epoch = 0;
  #believedAt = 0;
  #looking: Promise<void> | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: RedisClusterOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.shards }, (_, shard) => slotOf(String(shard)));
    this.#masters = this.#slots.map(() => null);
  }

  start(onChange: (places: readonly RedisPlace[]) => void): void {
    this.#onChange = onChange;
    void this.#lookAndLookAgain();
  }

  /** The places as they are now. Rejects if nobody tells. */
  async find(): Promise<readonly RedisPlace[]> {
    await this.#look();
    return this.#places;
  }

  suspect(): void {
    this.#lookIn(suspectPauseMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #lookIn(pauseMs: number): void {
    if (this.#timer !== null || this.#stopped) return;
    this.#timer = this.#options.clock.after(pauseMs, () => {
      this.#timer = null;
      void this.#lookAndLookAgain();
    });
  }

  async #lookAndLookAgain(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      const reason = (error as Error).message;
      this.#options.log.trouble('warn', { reason }, 'the Redis Cluster does not tell where its slots are');
    }
    if (this.#masters.includes(null)) this.#lookIn(lookAgainAfterMs);
  }

  /** Rejects if nobody can be believed. All who ask at the same time share one answer. */
  #look(): Promise<void> {
    this.#looking ??= this.#askSome().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #askSome(): Promise<void> {
    const asked = this.#shuffled().slice(0, askedAtOnce);
    try {
      const view = await Promise.any(asked.map((address) => this.#ask(address)));
      if (!this.#stopped) this.#believe(view);
    } catch (error) {
      // What stands behind the first one is as good as any.
      throw error instanceof AggregateError ? (error.errors[0] as Error) : error;
    }
  }

  async #ask(address: RedisAddress): Promise<ClusterView> {
    const { dial, name, clock } = this.#options;
    const view = await visit({ ...dial, name, address, inCluster: true }, (connection) => connection.view());
    const [server] = redisNames(address);
    if (view.slots.length === 0) throw new Error(`${server} knows of no slots`);
    if (!view.decided) throw new Error(`${server} has lost sight of a master`);
    if (view.epoch < this.#epoch && clock.now() - this.#believedAt < believeOlderAfterMs)
      throw new Error(`${server} is behind the others`);
    return view;
  }

  #believe({ slots, hosts, epoch }: ClusterView): void {
    this.#epoch = epoch;
    this.#believedAt = this.#options.clock.now();
    this.#hosts = hosts.slice(0, maxHosts);
    for (const [shard, slot] of this.#slots.entries()) {
      const range = slots.find(({ first, last }) => first <= slot && slot <= last);
      // A slot that nobody has is where it was, until somebody takes it.
      if (range !== undefined) this.#masters[shard] = range.master;
    }
    const places = this.#placesNow();
    const same =
      places.length === this.#places.length && places.every((place) => this.#places.includes(place));
    this.#places = places;
    if (!same) this.#onChange(places);
  }

  #placesNow(): RedisPlace[] {
    const shardsOf = new Map<string, { host: RedisHost; shards: number[] }>();
    for (const [shard, host] of this.#masters.entries()) {
      if (host === null) continue;
      const name = redisNames(this.#addressOf(host)).join();
      const known = shardsOf.get(name);
      if (known === undefined) shardsOf.set(name, { host, shards: [shard] });
      else known.shards.push(shard);
    }
    return Array.from(shardsOf, ([name, { host, shards }]) => {
      const before = this.#places.find((place) => place.name === name);
      return before?.shards.join() === shards.join() ? before : this.#placeAt(host, name, shards);
    });
  }

  #placeAt(host: RedisHost, name: string, shards: readonly number[]): RedisPlace {
    const { dial, prefix, shards: count } = this.#options;
    const tag = `{${shards[0]}}`;
    const address = this.#addressOf(host);
    const place: RedisPlace = {
      ...redisAt({ ...dial, address, inCluster: true }),
      ...{ name, shards },
      controlChannel: `${prefix}.v1.beat.${tag}`,
      layoutKey: `${prefix}.meta.${tag}`,
      layout: layoutOf(count),
      isStillHere: async () => {
        await this.#look();
        return this.#places.includes(place);
      },
    };
    return place;
  }

  /** Those of the setting, and all that the Cluster has named. */
  #shuffled(): RedisAddress[] {
    const { seeds, random } = this.#options;
    const addresses = new Map(
      [...seeds, ...this.#hosts.map((host) => this.#addressOf(host))].map((address) => [
        redisNames(address).join(),
        address,
      ]),
    );
    return Array.from(addresses.values(), (address) => ({ address, at: random() }))
      .sort((one, other) => one.at - other.at)
      .map(({ address }) => address);
  }

  #addressOf(host: RedisHost): RedisAddress {
    return { ...(this.#options.seeds[0] as RedisAddress), hosts: [host] };
  }
}
