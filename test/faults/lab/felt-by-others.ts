/**
 * Whether the listeners of a stage feel a fault: the last percentile of what messages take to them, in turns without it and beside it.
 */
import { LatencyLog } from './latency-log.ts';
import type { Line } from './line.ts';
import { opened } from './message.ts';
import type { Stage } from './stage.ts';
import { Turns } from './turns.ts';

export class FeltByOthers {
  readonly #stage: Stage;
  readonly #turnMs: number;
  readonly #latency = new LatencyLog();
  readonly #turns = new Turns();
  #withoutMs = 0;

  private constructor(stage: Stage, turnMs: number) {
    this.#stage = stage;
    this.#turnMs = turnMs;
    for (const listener of stage.listeners)
      for (const channel of stage.channels)
        if (listener.joined(channel))
          listener.client.subscribe(channel).on('publication', ({ data }) => {
            const message = opened(data);
            if (message !== null && message !== 'damaged')
              this.#latency.took(message.sentAt, performance.now());
          });
  }

  /** On a stage where messages flow. Resolves after a turn that does not count. */
  static async begin(stage: Stage, turnMs: number): Promise<FeltByOthers> {
    const felt = new FeltByOthers(stage, turnMs);
    await stage.pass(turnMs);
    return felt;
  }

  /** A turn without the fault. */
  async without(): Promise<void> {
    const from = performance.now();
    await this.#stage.pass(this.#turnMs);
    this.#withoutMs = this.#p99(from);
  }

  /** The turn beside the fault, which began then, ends now. */
  beside(from: number): void {
    this.#turns.took(this.#withoutMs, this.#p99(from));
  }

  /** See `Turns.lines`. */
  lines(more: number, leastTurns?: number): Line[] {
    return this.#turns.lines(more, leastTurns);
  }

  #p99(from: number): number {
    return this.#latency.percentile(0.99, from, performance.now());
  }
}
