/**
 * Closes the public port for a moment when descriptors are about to run out.
 *
 * `maxConnections` bounds the WebSockets, but whoever merely connects holds a descriptor too, and only the runtime knows of him.
 * At the limit nobody can be accepted, so that the newcomer stays at the head of the queue, and both runtimes try again and
 * again, with all of a core. With the port closed the kernel refuses newcomers, which is what a load balancer needs in order
 * to ask another node. A burst can be quicker and take all that there were. So some are held for nothing, and given up when the
 * port closes: then Redis, files and the admin listener have those.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Listener } from '../transport/transport.ts';

/** A burst that fills the reserve within this finds the limit, for as long as this. */
const soonestMs = 100;
const latestMs = 1_000;

/** More than a process accepts. Where many are left there is time, and an idle node need not be woken ten times a second. */
const burstPerMs = 40;

/** Descriptors that are left when the port is closed, and when it is opened again. */
const pauseBelow = 32;
const resumeAbove = 64;

/** Held for nothing while the port is open. */
const spareCount = 24;

export interface DescriptorWatchOptions {
  /** Of the process. */
  limit: number;
  inUse: () => number;
  spare: { hold(count: number): void; release(): void };
  listener: Pick<Listener, 'pause' | 'resume'>;
  clock: Clock;
  metrics: Pick<Metrics, 'descriptorsOpen' | 'listenerPauses'>;
  logger: Pick<Logger, 'warn' | 'info'>;
}

export class DescriptorWatch {
  readonly #options: DescriptorWatchOptions;
  #timer: Timer | null = null;
  #paused = false;

  constructor(options: DescriptorWatchOptions) {
    this.#options = options;
    options.spare.hold(spareCount);
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#options.spare.release();
  }

  #look(): void {
    const { limit, inUse, spare, listener, clock, metrics, logger } = this.#options;
    const open = inUse();
    metrics.descriptorsOpen.value = open;
    const left = limit - open;
    if (!this.#paused && left < pauseBelow) {
      this.#paused = true;
      metrics.listenerPauses.value += 1;
      listener.pause();
      spare.release();
      logger.warn({ open, limit }, 'descriptors are about to run out: nobody new for a moment');
    } else if (this.#paused && left >= resumeAbove + spareCount && listener.resume()) {
      this.#paused = false;
      spare.hold(spareCount);
      logger.info({ open, limit }, 'there are descriptors again: newcomers are welcome');
    }
    const wait = Math.min(latestMs, Math.max(soonestMs, left / burstPerMs));
    this.#timer = clock.after(wait, () => this.#look());
  }
}
