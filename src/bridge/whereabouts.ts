/**
 * Looks whether shards are still on the server on which this node has them. The connections that it has would not tell: a
 * master that was demoted, or left behind with us, goes on answering.
 */
import type { Clock } from '../clock.ts';
import type { QuietLog } from './quiet-log.ts';
import type { RedisPlace } from './redis-place.ts';

/** How often it is looked without a reason, where a master may be replaced: who says so may be out of reach. */
const lookEveryMs = 5_000;

export type Whereabout = 'here' | 'elsewhere' | 'unknown';

export interface WhereaboutsOptions {
  place: RedisPlace;
  /** Shown in `CLIENT LIST`. */
  name: string;
  clock: Pick<Clock, 'now'>;
  log: QuietLog;
  /** Somebody says that the shards are elsewhere: it is time for a look. */
  onDoubt(): void;
}

export class Whereabouts {
  readonly #options: WhereaboutsOptions;
  #looking = false;
  #lookedAt = 0;
  readonly #endWatch: () => void;

  constructor(options: WhereaboutsOptions) {
    const { place, name, onDoubt } = options;
    this.#options = options;
    this.#endWatch =
      place.broker.watch?.(name, () => {
        // A look that is under way may have been too early.
        this.#lookedAt = Number.NEGATIVE_INFINITY;
        onDoubt();
      }) ?? (() => {});
  }

  stop(): void {
    this.#endWatch();
  }

  /** It is time for a look. The server that was the master until now tells nobody, and those who come new go to the other one. */
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
