/**
 * How figures that every scenario has stand in a table. What could not be measured is a dash.
 */
import { type Status, worst } from '../generator/verdict.ts';

export function ratioCell(ratio: number): string {
  return Number.isNaN(ratio) ? '–' : ratio.toFixed(3);
}

export function spreadCell(spread: number): string {
  return Number.isNaN(spread) ? '–' : `±${(spread * 100).toFixed(1)} %`;
}

/** The worst of the runs of a row, and how many were like that. */
export function verdictCell(statuses: readonly Status[]): string {
  const status = worst(statuses);
  if (status === 'ok') return status;
  return `${status} ${statuses.filter((each) => each === status).length}/${statuses.length}`;
}
