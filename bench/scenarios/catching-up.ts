/**
 * What `recovery` and `snapshot` share: many clients that have to be brought to where a channel stands, the time of each, and
 * what it costs the system.
 */
import type { CatchUp } from '../generator/latecomers/latecomers.ts';
import type { Status } from '../generator/verdict.ts';
import { ratioCell, verdictCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { secondsOf, type Usage, usageOf } from '../systems/process-usage.ts';
import type { RunningSystem, System } from '../systems/system.ts';
import { Alternation, type Compared, type Turn } from './alternation.ts';
import { installed } from './sweep.ts';

/** A generator process this busy may be what the others waited for. */
const maxGeneratorShare = 0.9;

export interface CaughtUp {
  /** How the system was started. */
  command: string;
  /** Milliseconds until the first, half, 99 of 100 and all of them had everything; NaN if so many never did. */
  afterMs: { first: number; median: number; p99: number; last: number };
  /** Until the last was in its channel. */
  lastInMs: number;
  cpuSeconds: number;
  /** CPU seconds of what stands around the system, by what it is. */
  aroundSeconds: Readonly<Record<string, number>>;
  residentBytes: number;
  /** What the system's counters went up by. */
  counted: Readonly<Record<string, number>>;
  /** Everything that came to the clients, frames and all. */
  wireBytes: number;
  found: Omit<CatchUp, 'afterMs' | 'inAfterMs' | 'wireBytes'>;
  status: Status;
}

export interface CatchUpOptions<Sys> {
  clients: number;
  recordBytes: number;
  rounds: number;
  systems: readonly Sys[];
}

/** Those systems that can be started here, in turn; every run is in the report. */
export async function inTurns<Sys extends Compared & Pick<System, 'missing'>>(
  scenario: string,
  { rounds, systems, ...load }: CatchUpOptions<Sys>,
  reporter: Reporter,
  measure: (system: Sys) => Promise<CaughtUp>,
): Promise<Alternation<CaughtUp, Sys>> {
  const alternation = new Alternation<CaughtUp, Sys>(installed(systems, reporter));
  await alternation.run(rounds, async ({ name, system }, round) => {
    reporter.progress(`${scenario}: round ${round + 1} of ${rounds}, ${name}`);
    const run = await measure(system);
    reporter.raw({ scenario, round, system: name, bare: system.bare, ...load, ...run });
    const flaws = flawsOf(run);
    if (flaws.length > 0) reporter.note(`${name}: ${flaws.join(', ')}`);
    return run;
  });
  return alternation;
}

/** What a row begins with: who, and when the first, half, 99 of 100 and all of them had everything. */
export function timeCells<Sys extends Compared>(
  turn: Turn<Sys>,
  alternation: Alternation<CaughtUp, Sys>,
): Record<string, string> {
  const of = (pick: (run: CaughtUp) => number) => alternation.median(turn, pick).toFixed(0);
  return {
    system: turn.name,
    'first ms': of(({ afterMs }) => afterMs.first),
    median: of(({ afterMs }) => afterMs.median),
    p99: of(({ afterMs }) => afterMs.p99),
    'last ms': of(({ afterMs }) => afterMs.last),
    '× bare': ratioCell(alternation.compare(turn, ({ afterMs }) => afterMs.last).ratio),
  };
}

/** What a row ends with: memory, and whether its runs count. */
export function verdictCells<Sys extends Compared>(
  turn: Turn<Sys>,
  alternation: Alternation<CaughtUp, Sys>,
): Record<string, string> {
  return {
    'RSS MB': alternation.median(turn, ({ residentBytes }) => residentBytes / 1e6).toFixed(0),
    'generator share': alternation.median(turn, ({ found }) => found.busiestShare).toFixed(2),
    verdict: verdictCell(alternation.runsOf(turn.name).map(({ status }) => status)),
  };
}

/** Takes the accounts of a system around what its clients do. */
export async function whileCatchingUp(
  system: RunningSystem,
  clients: number,
  catchUp: () => Promise<CatchUp>,
): Promise<CaughtUp> {
  const around = () =>
    Object.entries(system.around ?? {}).map(([what, pids]) => [what, usageOf(pids)] as const);
  const countersBefore = (await system.counters?.()) ?? {};
  const before = usageOf(system.pids);
  const aroundBefore = Object.fromEntries(around());
  const { afterMs, inAfterMs, wireBytes, ...found } = await catchUp();
  const after = usageOf(system.pids);
  const aroundSeconds = around().map(
    ([what, usage]) => [what, secondsOf(usage) - secondsOf(aroundBefore[what] as Usage)] as const,
  );
  const counters = Object.entries((await system.counters?.()) ?? {});
  const at = (share: number) => afterMs[Math.ceil(share * clients) - 1] ?? Number.NaN;
  return {
    command: system.command,
    afterMs: { first: at(0.000_001), median: at(0.5), p99: at(0.99), last: at(1) },
    lastInMs: inAfterMs[clients - 1] ?? Number.NaN,
    cpuSeconds: secondsOf(after) - secondsOf(before),
    aroundSeconds: Object.fromEntries(aroundSeconds),
    residentBytes: after.residentBytes,
    counted: Object.fromEntries(
      counters.map(([what, count]) => [what, count - (countersBefore[what] as number)]),
    ),
    wireBytes,
    found,
    status: statusOf(found, afterMs.length < clients),
  };
}

/** In words, what is wrong with what they got; empty if nothing is. */
function flawsOf({ found }: CaughtUp): string[] {
  const { busiestShare: _, turnedAway: __, ...flaws } = found;
  return Object.entries(flaws)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what} ${count}`);
}

function statusOf(found: CaughtUp['found'], someMissing: boolean): Status {
  const { lost, twice, corrupted, refused, cutOff, busiestShare } = found;
  if (someMissing || lost + twice + corrupted + refused + cutOff > 0) return 'invalid';
  return busiestShare > maxGeneratorShare ? 'generator-bound' : 'ok';
}
