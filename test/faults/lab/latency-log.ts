/** How long messages took, in time that is cut into parts, so that before and during a fault can be compared. */
import { percentile } from './percentile.ts';

export class LatencyLog {
  readonly #taken: { at: number; ms: number }[] = [];

  took(sentAt: number, at: number): void {
    this.#taken.push({ at, ms: at - sentAt });
  }

  /** Of the messages that arrived in this time. */
  percentile(part: number, from: number, to: number): number {
    return percentile(
      this.#taken.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms),
      part,
    );
  }
}
