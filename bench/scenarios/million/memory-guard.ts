/**
 * Says each second how far the crowd is, and ends everything before the machine has no memory left.
 */
import { exitCodes, UserError } from '../../../src/errors.ts';
import type { Crowd, Standing } from '../../crowd/crowd.ts';
import { monotonicMs } from '../../generator/monotonic.ts';
import type { Reporter } from '../../report/reporter.ts';
import { availableBytes } from '../../systems/kernel-memory.ts';
import { reserveBytes } from './plan.ts';

const tickMs = 1_000;

export class MemoryGuard {
  phase: 'starting' | 'connecting' | 'settling' = 'starting';
  readonly #exhausted = Promise.withResolvers<never>();
  readonly #timer: NodeJS.Timeout;

  constructor(crowd: Crowd, clients: number, reporter: Reporter) {
    this.#exhausted.promise.catch(() => {});
    const startedAt = monotonicMs();
    let joinedBefore = 0;
    this.#timer = setInterval(() => {
      const { standing } = crowd;
      const available = availableBytes();
      if (this.phase === 'connecting') {
        const seconds = (monotonicMs() - startedAt) / 1_000;
        reporter.progress(
          `million: ${standing.joined.toLocaleString('en')} of ${clients.toLocaleString('en')} connected after ${seconds.toFixed(0)} s (${(standing.joined - joinedBefore).toLocaleString('en')}/s), ${failuresOf(standing)} made again, ${standing.closed} cut off, ${(available / 1e9).toFixed(1)} GB left`,
        );
      }
      joinedBefore = standing.joined;
      if (available < reserveBytes) this.#giveUp(standing.joined);
    }, tickMs);
  }

  /** @throws Error when memory runs out meanwhile */
  during(work: () => Promise<void>): Promise<void> {
    return Promise.race([work(), this.#exhausted.promise]);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #giveUp(joined: number): void {
    this.#exhausted.reject(
      new UserError(
        `given up at ${joined.toLocaleString('en')} connections: less than ${reserveBytes / 1e9} GB of memory were left`,
        exitCodes.failure,
      ),
    );
  }
}

/** Handshakes that failed and were made again. */
export function failuresOf({ failures }: Standing): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}
