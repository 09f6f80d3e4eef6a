/**
 * Promises about deliveries, and how they are decided from what a sweep has measured.
 */
import { maxCpuSpread, maxLatencySpread, type Outcome, outcomeOf } from '../report/bar.ts';
import { ratioCell, spreadCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Alternation, Comparison, Turn } from './alternation.ts';
import { accountedFor, cpuCounts, type Delivery, latencyCounts } from './delivery.ts';

/** What is compared, which runs count for it, and how far equal things may be apart. */
export interface Figure {
  what: string;
  of(run: Delivery): number;
  counts(run: Delivery): boolean;
  maxSpread: number;
}

export const cpu: Figure = {
  what: 'CPU per delivery',
  of: (run) => run.cpuMicrosPerDelivery,
  counts: cpuCounts,
  maxSpread: maxCpuSpread,
};

export const p50: Figure = {
  what: 'p50',
  of: ({ measured }) => measured.latency.p50,
  counts: latencyCounts,
  maxSpread: maxLatencySpread,
};

export const p99: Figure = {
  what: 'p99',
  of: ({ measured }) => measured.latency.p99,
  counts: latencyCounts,
  maxSpread: maxLatencySpread,
};

/** Of what was received. A system that falls behind, or loses, is rated by what it did deliver. */
export const perCpuSecond: Figure = {
  what: 'deliveries per CPU second',
  of: (run) => run.deliveriesPerCpuSecond,
  counts: () => true,
  maxSpread: maxCpuSpread,
};

export interface Promised {
  /** Name of a system of ours. */
  ours: string;
  /** Systems that are not measured leave the promise out. */
  against: string;
  figure: Figure;
  limit: number;
  atLeast?: boolean;
}

/** A machine that was disturbed in some rounds is judged by the others, if these are so many. */
const enoughRounds = 5;

/** Says for each promise whether it was kept. */
export function addBars(
  rate: number,
  promises: readonly Promised[],
  alternation: Alternation<Delivery>,
  reporter: Reporter,
): void {
  for (const { ours, against, figure, limit, atLeast = false } of promises) {
    const turn = turnOf(ours, alternation);
    if (turn === undefined || turnOf(against, alternation) === undefined) continue;
    const { ratio, spread, decided } = compare(turn, against, figure, alternation);
    const counts = decided && alternation.runsOf(ours).every(accountedFor);
    addRow(
      reporter,
      `${rate}/s, ${ours}: ${figure.what} at ${atLeast ? 'least' : 'most'} ${limit} × ${against}`,
      ratioCell(ratio),
      spread,
      outcomeOf({ figure: ratio, limit, atLeast, spread, maxSpread: figure.maxSpread, counts }),
    );
  }
}

/** A system keeps up with a rate, and 99 of 100 deliveries come within so many milliseconds. */
export function addKeepsUpBar(
  rate: number,
  ours: string,
  limitMs: number,
  alternation: Alternation<Delivery>,
  reporter: Reporter,
): void {
  const turn = turnOf(ours, alternation);
  if (turn === undefined) return;
  const runs = alternation.runsOf(ours);
  const behind = runs.some(({ measured }) => measured.verdict.status === 'behind');
  const figure = alternation.median(turn, p99.of);
  const outcome = outcomeOf({ figure, limit: limitMs, spread: 0, counts: runs.every(latencyCounts) });
  addRow(
    reporter,
    `${rate}/s, ${ours}: keeps up, p99 at most ${limitMs} ms`,
    behind ? 'behind' : `${figure.toFixed(1)} ms`,
    Number.NaN,
    behind ? 'missed' : outcome,
  );
}

/** Batching by hand, with a fixed window, is better in latency or in CPU, never in both. */
export function addWindowBars(
  rate: number,
  ours: string,
  windows: readonly string[],
  alternation: Alternation<Delivery>,
  reporter: Reporter,
): void {
  const turn = turnOf(ours, alternation);
  if (turn === undefined) return;
  for (const window of windows) {
    if (turnOf(window, alternation) === undefined) continue;
    const late = compare(turn, window, p99, alternation);
    const dear = compare(turn, window, cpu, alternation);
    // Beaten in both means that both ratios are above 1.
    const [figure, decisive, by] = late.ratio < dear.ratio ? [late, p99, 'p99'] : [dear, cpu, 'CPU'];
    addRow(
      reporter,
      `${rate}/s, ${ours}: ${window} has not both lower p99 and lower CPU`,
      `${ratioCell(figure.ratio)} (${by})`,
      figure.spread,
      outcomeOf({
        ...{ figure: figure.ratio, limit: 1, spread: figure.spread, maxSpread: decisive.maxSpread },
        counts: figure.decided,
      }),
    );
  }
}

/** Of the rounds that count if they are enough, otherwise of all, which decides nothing. */
function compare(
  turn: Turn,
  other: string,
  figure: Figure,
  alternation: Alternation<Delivery>,
): Comparison & { decided: boolean } {
  const counting = alternation.whereAllCount(turn, other, figure.counts);
  const decided =
    counting.runsOf(turn.name).length >= Math.min(enoughRounds, alternation.runsOf(turn.name).length);
  return { ...(decided ? counting : alternation).compareWith(turn, other, figure.of), decided };
}

function turnOf(name: string, alternation: Alternation<Delivery>): Turn | undefined {
  return alternation.turns.find((turn) => turn.name === name);
}

function addRow(reporter: Reporter, bar: string, figure: string, spread: number, outcome: Outcome): void {
  reporter.row('bars', { bar, figure, 'A/A': spreadCell(spread), outcome });
}
