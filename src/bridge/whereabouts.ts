/**
 * Looks whether an address still leads to the master that this node is on. The connections that it has would not tell: a
 * master that was demoted, or left behind with us, goes on answering.
 */
import type { Clock } from '../clock.ts';
import type { Broker } from './broker.ts';
import type { QuietLog } from './quiet-log.ts';

/** How often sentinels are asked whether the master is still the same. */
const lookEveryMs = 5_000;

/** - `unknown`: nobody answers, or somebody is looking already. */
export type Whereabout = 'here' | 'elsewhere' | 'unknown';

export interface WhereaboutsOptions {
  broker: Broker;
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

  get isDue(): boolean {
    const { broker, clock } = this.#options;
    return broker.mayMove && clock.now() - this.#lookedAt >= lookEveryMs;
  }

  /** @param runId of the server that this node is on */
  async look(runId: string | undefined): Promise<Whereabout> {
    if (this.#looking) return 'unknown';
    const { broker, name, clock, log } = this.#options;
    this.#looking = true;
    this.#lookedAt = clock.now();
    try {
      const found = await broker.look(name);
      return found.role === 'master' && found.runId === runId ? 'here' : 'elsewhere';
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
