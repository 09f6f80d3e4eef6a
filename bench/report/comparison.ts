/**
 * What changed from one run of a scenario to another, on the same machine or not.
 *
 * Machines have good and bad days, so a figure is compared after what the bare publish of the same runtime did meanwhile has
 * been taken out: if that became 8 % slower, 8 % are the machine's. What remains counts if it is more than equal things are
 * apart: the larger of the two runs' A/A and of how far the rounds of either lie from their median.
 */
import { again, type Figure, figuresOf, loadText, type Run } from './figures.ts';
import { median } from './median.ts';
import { spreadOf } from './ratio.ts';
import { type Report, scenarioOf } from './report.ts';

/** `undecided`: a run behind it does not count for this metric, or nothing is known of the spread. */
export type Change = 'better' | 'worse' | 'within the spread' | 'undecided';

export interface ComparedFigure {
  readonly metric: string;
  readonly unit: string;
  readonly load: string;
  readonly system: string;
  /** Medians over the rounds. */
  readonly before: number;
  readonly after: number;
  /** after / before − 1; 0.04 is 4 %. */
  readonly change: number;
  /** The same of the bare publish; NaN where there is none. */
  readonly bareChange: number;
  readonly spread: number;
  readonly verdict: Change;
}

/** @throws RangeError if they are of different scenarios, or have nothing in common */
export function compareReports(before: Report, after: Report): ComparedFigure[] {
  if (scenarioOf(before) !== scenarioOf(after))
    throw new RangeError(`${scenarioOf(before)} cannot be compared with ${scenarioOf(after)}`);
  const earlier = new Figures(figuresOf(before));
  const later = new Figures(figuresOf(after));
  const compared = earlier.all.flatMap((figure) => {
    const counterpart = later.sameAs(figure, figure.system);
    if (figure.system.endsWith(again) || counterpart === undefined) return [];
    return [compareFigures(figure, counterpart, earlier, later, loadText(before, figure.at))];
  });
  if (compared.length === 0) throw new RangeError('they have no system and load in common');
  return compared;
}

/** What is left of a change that two things have in common. */
export function verdictOf(
  { change, bareChange, spread }: Pick<ComparedFigure, 'change' | 'bareChange' | 'spread'>,
  better: 'lower' | 'higher',
): Change {
  const own = Number.isNaN(bareChange) ? 1 + change : (1 + change) / (1 + bareChange);
  if (Number.isNaN(own) || Number.isNaN(spread)) return 'undecided';
  if (own <= 1 + spread && own >= 1 / (1 + spread)) return 'within the spread';
  return own < 1 === (better === 'lower') ? 'better' : 'worse';
}

class Figures {
  readonly all: readonly Figure[];

  constructor(all: readonly Figure[]) {
    this.all = all;
  }

  sameAs({ metric, at }: Figure, system: string): Figure | undefined {
    return this.all.find(
      (each) => each.metric.name === metric.name && each.at === at && each.system === system,
    );
  }

  /** Of the bare publish beside a figure: what its two runs in each round are apart. */
  spreadBeside(figure: Figure): number {
    const first = this.sameAs(figure, figure.bare);
    const second = this.sameAs(figure, `${figure.bare}${again}`);
    if (first === undefined || second === undefined) return Number.NaN;
    return spreadOf(valuesOf(second.runs), valuesOf(first.runs));
  }
}

function compareFigures(
  before: Figure,
  after: Figure,
  earlier: Figures,
  later: Figures,
  load: string,
): ComparedFigure {
  const { metric, system } = before;
  const isBare = system === before.bare;
  const bareBefore = isBare ? undefined : earlier.sameAs(before, before.bare);
  const bareAfter = isBare ? undefined : later.sameAs(after, after.bare);
  const spread = largest([
    earlier.spreadBeside(before),
    later.spreadBeside(after),
    scatterOf(before.runs),
    scatterOf(after.runs),
  ]);
  const change = changeOf(before, after);
  const bareChange =
    bareBefore === undefined || bareAfter === undefined ? Number.NaN : changeOf(bareBefore, bareAfter);
  const count = [before, after, bareBefore, bareAfter].every((figure) =>
    (figure?.runs ?? []).every(({ counts }) => counts),
  );
  return {
    ...{ metric: metric.name, unit: metric.unit, load, system },
    before: median(valuesOf(before.runs)),
    after: median(valuesOf(after.runs)),
    ...{ change, bareChange, spread },
    verdict: count ? verdictOf({ change, bareChange, spread }, metric.better) : 'undecided',
  };
}

function changeOf(before: Figure, after: Figure): number {
  return median(valuesOf(after.runs)) / median(valuesOf(before.runs)) - 1;
}

/** How far the rounds lie from their median, in the middle; NaN for one round, which says nothing about it. */
function scatterOf(runs: readonly Run[]): number {
  const middle = median(valuesOf(runs));
  if (runs.length < 2) return Number.NaN;
  return median(valuesOf(runs).map((value) => Math.abs(value / middle - 1)));
}

/** NaN only if nothing else is there. */
function largest(numbers: readonly number[]): number {
  const known = numbers.filter((number) => !Number.isNaN(number));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}

function valuesOf(runs: readonly Run[]): number[] {
  return runs.map(({ value }) => value);
}
