/**
 * How a figure of one system stands to that of another, from rounds in which both ran in turn.
 *
 * A machine is never the same twice, so only figures of the same round are divided, and the median of the rounds is what
 * counts. What two runs of the very same system are apart is the spread (A/A): smaller differences mean nothing.
 */
import { median } from './median.ts';

/** The median of a / b over the rounds; both lists in the order of the rounds. */
export function ratioOf(a: readonly number[], b: readonly number[]): number {
  return median(a.map((figure, round) => figure / (b[round] as number)));
}

/** The median distance of a / b from 1, where both are the same system. 0.04 is 4 %. */
export function spreadOf(a: readonly number[], b: readonly number[]): number {
  return median(a.map((figure, round) => Math.abs(figure / (b[round] as number) - 1)));
}
