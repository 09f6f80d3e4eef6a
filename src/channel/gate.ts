/**
 * Lets so many through at once and has the others wait, as many as there is room for, in the order in which they came.
 */
import type { Clock } from '../clock.ts';

export interface GateOptions {
  maxInside: number;
  maxWaiting: number;
  clock: Clock;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Inside and waiting. */
  get count(): number {
    return this.#inside + this.#waiting.size;
  }

  /** Resolves with whether there was room in time; whoever was let in must `leave`. */
  async enter(timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { maxInside, maxWaiting, clock } = this.#options;
    if (this.#inside < maxInside) {
      this.#inside += 1;
      return true;
    }
    if (this.#waiting.size >= maxWaiting) return false;
    return await new Promise((resolve) => {
      const admit = () => {
        timer?.cancel();
        resolve(true);
      };
      const timer = Number.isFinite(timeoutMs)
        ? clock.after(timeoutMs, () => {
            this.#waiting.delete(admit);
            resolve(false);
          })
        : null;
      this.#waiting.add(admit);
    });
  }

  /** The one that has waited longest takes the place. */
  leave(): void {
    for (const admit of this.#waiting) {
      this.#waiting.delete(admit);
      admit();
      return;
    }
    this.#inside -= 1;
  }
}
