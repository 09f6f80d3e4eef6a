/**
 * How a compared figure stands in a table.
 */
import { spreadCell } from './cells.ts';
import { compactNumber } from './compact-number.ts';
import type { ComparedFigure } from './comparison.ts';

/** What a reader must know to judge a verdict. */
export const howCompared =
  'a verdict is about the change after that of the bare publish has been taken out; the spread is the largest of both A/A and of the rounds around their medians; undecided: a run behind it does not count for that metric, or one round says nothing about the spread';

export function comparisonRow(figure: ComparedFigure): Record<string, string> {
  const { system, load, unit, before, after, change, bareChange, spread, verdict } = figure;
  const behind = unit === '' ? '' : ` ${unit}`;
  return {
    system: [load, system].filter(Boolean).join(' '),
    before: `${compactNumber(before)}${behind}`,
    after: `${compactNumber(after)}${behind}`,
    change: changeCell(change),
    'bare changed': changeCell(bareChange),
    spread: spreadCell(spread),
    verdict,
  };
}

function changeCell(change: number): string {
  if (Number.isNaN(change)) return '–';
  return `${change < 0 ? '−' : '+'}${Math.abs(change * 100).toFixed(1)} %`;
}
