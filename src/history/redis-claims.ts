/**
 * The claims of this node: for which generation of each shard it may append and read (`redis-claim-script.ts`).
 *
 * A claim belongs to one connection. It is made when a shard is first needed, and again after a second: a server may be
 * demoted and promoted again under a connection that lives on.
 *
 * What was confirmed under the last claim is remembered until another claim is made, which must know of it: some may have been here
 * already while this node still appended elsewhere.
 */
import type { Clock } from '../clock.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import { SequencedWriter } from '../protocol/sequenced-frame.ts';
import { randomEpochPart } from './epoch.ts';
import type { RedisLink } from './redis-link.ts';
import type { RedisScript, ShardKeys } from './redis-script.ts';

const claimAgainAfterMs = 1_000;

interface Claim {
  readonly made: Promise<string>;
  readonly madeAt: number;
}

/** What was confirmed last in a shard. */
interface LastAppend {
  claim: string;
  at: number;
}

export class RedisClaims {
  readonly #keys: readonly ShardKeys[];
  readonly #script: RedisScript;
  readonly #clock: Clock;
  readonly #metrics: Pick<HistoryMetrics, 'claimsChanged'>;
  readonly #claims: (Claim | null)[];
  /** By shard: what was claimed last, whatever the connection. */
  readonly #last: (string | null)[];
  readonly #appends: (LastAppend | null)[];
  readonly #frames: readonly Buffer[];

  /** @param script of `redis-claim-script.ts` */
  constructor(
    keys: readonly ShardKeys[],
    script: RedisScript,
    clock: Clock,
    metrics: Pick<HistoryMetrics, 'claimsChanged'>,
  ) {
    this.#keys = keys;
    this.#script = script;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#claims = keys.map(() => null);
    this.#last = keys.map(() => null);
    this.#appends = keys.map(() => null);
    const writer = new SequencedWriter();
    this.#frames = keys.map((_, shard) => writer.generationFrame(shard));
  }

  /** Rejects as `link.run` does. */
  of(shard: number, link: RedisLink): Promise<string> {
    const known = this.#claims[shard];
    const now = this.#clock.now();
    if (known && now - known.madeAt < claimAgainAfterMs) return known.made;
    const claim = { made: this.#make(shard, link), madeAt: now };
    this.#claims[shard] = claim;
    claim.made.catch(() => {
      if (this.#claims[shard] === claim) this.#claims[shard] = null;
    });
    return claim.made;
  }

  /** Something was confirmed under this claim. */
  appended(shard: number, claim: string): void {
    const last = this.#appends[shard];
    if (last) {
      last.claim = claim;
      last.at = this.#clock.now();
    } else this.#appends[shard] = { claim, at: this.#clock.now() };
  }

  /**
   * There is a connection for these shards, perhaps to another server: those that were appended to are claimed now, not when
   * they are needed.
   */
  connected(shards: readonly number[], link: RedisLink): void {
    this.lost(shards);
    // What fails is tried again by whoever needs the shard.
    for (const shard of shards) if (this.#appends[shard]) this.of(shard, link).catch(() => {});
  }

  /** It does not hold any more. */
  forget(shard: number): void {
    this.#claims[shard] = null;
  }

  /** The connection for these shards is gone, and every claim with it. */
  lost(shards: readonly number[]): void {
    for (const shard of shards) this.#claims[shard] = null;
  }

  async #make(shard: number, link: RedisLink): Promise<string> {
    const { generation, began, pubsub } = this.#keys[shard] as ShardKeys;
    const append = this.#appends[shard];
    const appended = append ? [append.claim, String(Math.ceil(this.#clock.now() - append.at))] : ['', ''];
    const claim = String(
      await link.run(
        this.#script,
        [generation, began, pubsub],
        [randomEpochPart(), this.#frames[shard] as Buffer, ...appended],
      ),
    );
    if (append && append.claim !== claim && this.#appends[shard] === append) this.#appends[shard] = null;
    const last = this.#last[shard];
    if (last !== null && last !== claim) this.#metrics.claimsChanged.value += 1;
    this.#last[shard] = claim;
    return claim;
  }
}
