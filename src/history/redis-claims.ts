/**
 * The claims of this node: for which generation of each shard it may append and read (`redis-claim-script.ts`).
 *
 * A claim belongs to one connection. It is made when a shard is first needed, and again after a second: a server may be
 * demoted and promoted again under a connection that lives on.
 */
import type { Clock } from '../clock.ts';
import type { HistoryMetrics } from '../metrics/metrics.ts';
import { randomEpochPart } from './epoch.ts';
import { claimScript } from './redis-claim-script.ts';
import type { RedisLink } from './redis-link.ts';
import type { ShardKeys } from './redis-script.ts';

const claimAgainAfterMs = 1_000;

interface Claim {
  readonly made: Promise<string>;
  readonly madeAt: number;
}

export class RedisClaims {
  readonly #keys: readonly ShardKeys[];
  readonly #clock: Clock;
  readonly #metrics: Pick<HistoryMetrics, 'claimsChanged'>;
  readonly #claims: (Claim | null)[];
  /** By shard: what was claimed last, whatever the connection. */
  readonly #last: (string | null)[];

  constructor(keys: readonly ShardKeys[], clock: Clock, metrics: Pick<HistoryMetrics, 'claimsChanged'>) {
    this.#keys = keys;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#claims = keys.map(() => null);
    this.#last = keys.map(() => null);
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

  /** It does not hold any more. */
  forget(shard: number): void {
    this.#claims[shard] = null;
  }

  /** The connection is gone, and every claim with it. */
  lost(): void {
    this.#claims.fill(null);
  }

  async #make(shard: number, link: RedisLink): Promise<string> {
    const { generation } = this.#keys[shard] as ShardKeys;
    const claim = String(await link.run(claimScript, [generation], [randomEpochPart()]));
    const last = this.#last[shard];
    if (last !== null && last !== claim) this.#metrics.claimsChanged.value += 1;
    this.#last[shard] = claim;
    return claim;
  }
}
