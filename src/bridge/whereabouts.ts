/**
 * Looks whether shards are still on the server on which this node has them. The connections that it has would not tell: a
 * master that was demoted, or left behind with us, goes on answering.
 */
import type { Clock } from '../clock.ts';
import type { QuietLog } from './quiet-log.ts';
import type { RedisPlace } from './redis-place.ts';

/** How often it is looked without a reason, where a master may be replaced. */
const lookEveryMs = 5_000;

export type Whereabout = 'here' | 'elsewhere' | 'unknown';

export interface WhereaboutsOptions {
  place: RedisPlace;
  /** Shown in `CLIENT LIST`. */
  name: string;
  clock: Pick<Clock, 'now'>;
  log: QuietLog;
}

export class Whereabouts {
  readonly #options: WhereaboutsOptions;
  #looking = false;
  #lookedAt = 0;

  constructor(options: WhereaboutsOptions) {
    this.#options = options;
  }

  /** It is time for a look. Nobody is told when Sentinel or a Cluster makes another server the master, and those who come new go there. */
  get isDue(): boolean {
    const { place, clock } = this.#options;
    return place.broker.mayMove && clock.now() - this.#lookedAt >= lookEveryMs;
  }

  /**
   * @param runId of the server that this node is on
   * @returns null if a look is under way already
   */
  async look(runId: string | undefined): Promise<Whereabout | null> {
    if (this.#looking) return null;
    const { place, name, clock, log } = this.#options;
    this.#looking = true;
    this.#lookedAt = clock.now();
    try {
      return (await place.isStillHere(runId ?? '', name)) ? 'here' : 'elsewhere';
    } catch (error) {
      log.trouble(
        'warn',
        { reason: (error as Error).message },
        'it cannot be seen whether this Redis is still the right one',
      );
      return 'unknown';
    } finally {
      this.#looking = false;
    }
  }
}
