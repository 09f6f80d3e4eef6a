/**
 * One system under one load: what a delivery costs it and how late it is, and for which questions the run counts.
 */
import { generate, type Load, type Measurement } from '../generator/generator.ts';
import { ratioCell, spreadCell, verdictCell } from '../report/cells.ts';
import { secondsOf, type Usage, usageOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import type { RunningSystem, System } from '../systems/system.ts';
import type { Alternation, Turn } from './alternation.ts';

export interface Delivery {
  /** How the system was started. */
  command: string;
  measured: Measurement;
  userMicrosPerDelivery: number;
  systemMicrosPerDelivery: number;
  cpuMicrosPerDelivery: number;
  deliveriesPerCpuSecond: number;
  residentBytes: number;
  /** CPU of what stands around the system, by what it is. */
  aroundMicrosPerDelivery: Readonly<Record<string, number>>;
  /** What the system's counters went up by. */
  counted: Readonly<Record<string, number>>;
}

/** A fresh system, which is ended afterwards. */
export async function measureDelivery(
  system: System,
  load: Omit<Load, 'subscribeTo' | 'publishTo'>,
  running: Running,
): Promise<Delivery> {
  const server = await system.start({ running });
  try {
    let before = await takeAccounts(server);
    let after = before;
    const measured = await generate(
      { ...load, subscribeTo: server.subscribeTo, publishTo: server.publishTo },
      {
        async before() {
          before = await takeAccounts(server);
        },
        async after() {
          after = await takeAccounts(server);
        },
      },
    );
    return { command: server.command, ...costOf(measured, before, after) };
  } finally {
    await server.stop();
  }
}

/** What a system has used and counted so far. */
interface Accounts {
  own: Usage;
  around: Record<string, Usage>;
  counters: Readonly<Record<string, number>>;
}

async function takeAccounts(server: RunningSystem): Promise<Accounts> {
  const around = Object.entries(server.around ?? {}).map(([what, pids]) => [what, usageOf(pids)] as const);
  return {
    own: usageOf(server.pids),
    around: Object.fromEntries(around),
    counters: (await server.counters?.()) ?? {},
  };
}

function costOf(measured: Measurement, before: Accounts, after: Accounts): Omit<Delivery, 'command'> {
  // A system that is behind works on what is left of the warm-up first, in the same CPU time.
  const deliveries = measured.counts.deliveries + measured.counts.stale;
  const userSeconds = after.own.userSeconds - before.own.userSeconds;
  const systemSeconds = after.own.systemSeconds - before.own.systemSeconds;
  const around = Object.entries(after.around).map(([what, usage]) => {
    const seconds = secondsOf(usage) - secondsOf(before.around[what] as Usage);
    return [what, (seconds * 1e6) / deliveries] as const;
  });
  const counted = Object.entries(after.counters).map(
    ([what, count]) => [what, count - (before.counters[what] as number)] as const,
  );
  return {
    measured,
    userMicrosPerDelivery: (userSeconds * 1e6) / deliveries,
    systemMicrosPerDelivery: (systemSeconds * 1e6) / deliveries,
    cpuMicrosPerDelivery: ((userSeconds + systemSeconds) * 1e6) / deliveries,
    deliveriesPerCpuSecond: deliveries / (userSeconds + systemSeconds),
    residentBytes: after.own.residentBytes,
    aroundMicrosPerDelivery: Object.fromEntries(around),
    counted: Object.fromEntries(counted),
  };
}

/** Every delivery came once, in order and whole. */
export function accountedFor({ measured }: Delivery): boolean {
  return measured.verdict.status === 'ok' || measured.verdict.status === 'generator-bound';
}

/**
 * A generator that is later than this sends bursts, and a burst costs any server less: with a lag p99 of 30 to 60 ms
 * deliveries were seen to cost half.
 */
const maxBurstLagMs = 10;

/** CPU per delivery may be compared. */
export function cpuCounts(run: Delivery): boolean {
  return accountedFor(run) && run.measured.scheduleLag.p99 <= maxBurstLagMs;
}

/** Latencies may be compared. */
export function latencyCounts({ measured }: Delivery): boolean {
  return measured.verdict.status === 'ok';
}

/** The columns of every table about deliveries. */
export function deliveryCells(turn: Turn, alternation: Alternation<Delivery>): Record<string, string> {
  const runs = alternation.runsOf(turn.name);
  const { ratio, spread } = alternation.compare(turn, (run) => run.cpuMicrosPerDelivery);
  const of = (pick: (run: Delivery) => number, digits: number) =>
    alternation.median(turn, pick).toFixed(digits);
  const total = (pick: (run: Delivery) => number) =>
    runs.reduce((sum, run) => sum + pick(run), 0).toLocaleString('en');
  return {
    system: turn.name,
    deliveries: total((run) => run.measured.counts.deliveries),
    lost: total((run) => run.measured.counts.gaps + run.measured.counts.tail),
    dup: total((run) => run.measured.counts.duplicates),
    'p50 ms': of((run) => run.measured.latency.p50, 1),
    p99: of((run) => run.measured.latency.p99, 1),
    'p99.9': of((run) => run.measured.latency.p999, 1),
    max: of((run) => run.measured.latency.max, 1),
    'user µs': of((run) => run.userMicrosPerDelivery, 3),
    'system µs': of((run) => run.systemMicrosPerDelivery, 3),
    'M per CPU s': of((run) => run.deliveriesPerCpuSecond / 1e6, 2),
    '× bare': ratioCell(ratio),
    'A/A': spreadCell(spread),
    'RSS MB': of((run) => run.residentBytes / 1e6, 0),
    'generator cores': of((run) => run.measured.generatorCores, 2),
    'lag p99': of((run) => run.measured.scheduleLag.p99, 1),
    verdict: verdictCell(runs.map(({ measured }) => measured.verdict.status)),
  };
}
