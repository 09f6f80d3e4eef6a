/**
 * Whether a fault is felt by others, decided in turns: as long without it as with it, several times. What differs by no more than turns
 * without it differ among themselves is not felt.
 */
import { atMost, type Line, timed } from './line.ts';
import { percentile } from './percentile.ts';

/** Of fewer nobody can tell how much they differ by themselves. */
const decisive = 7;

export class Turns {
  readonly #without: number[] = [];
  readonly #beside: number[] = [];

  /** One turn without, in milliseconds, and one beside the fault. */
  took(withoutMs: number, besideMs: number): void {
    this.#without.push(withoutMs);
    this.#beside.push(besideMs);
  }

  /**
   * None if there were too few turns to judge it by, as in a short run.
   *
   * @param more part by which it may be more: 0.1 for ten percent
   */
  lines(more: number, leastTurns = decisive): Line[] {
    if (this.#without.length < leastTurns) return [];
    const median = percentile(this.#without, 0.5);
    const spread = (Math.max(...this.#without) - Math.min(...this.#without)) / median;
    return [
      timed(
        atMost(
          `p99 of the others beside it, over that of turns without (${more * 100} % and their spread)`,
          percentile(this.#beside, 0.5) / median,
          (1 + more) * (1 + spread),
          ' ×',
        ),
      ),
    ];
  }
}
