/**
 * One system under one load: what a delivery costs it and how late it is, and for which questions the run counts.
 */
import { generate, type Load, type Measurement } from '../generator/generator.ts';
import { ratioCell, spreadCell, verdictCell } from '../report/cells.ts';
import { type Usage, usageOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import type { System } from '../systems/system.ts';
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
}

/** A fresh system, which is ended afterwards. */
export async function measureDelivery(
  system: System,
  load: Omit<Load, 'target' | 'publishTo'>,
  running: Running,
): Promise<Delivery> {
  const server = await system.start({ running });
  try {
    let before = usageOf(server.pids);
    let after = before;
    const measured = await generate(
      { ...load, target: server.subscribeTo, publishTo: server.publishTo },
      {
        before() {
          before = usageOf(server.pids);
        },
        after() {
          after = usageOf(server.pids);
        },
      },
    );
    return { command: server.command, ...costOf(measured, before, after) };
  } finally {
    await server.stop();
  }
}

function costOf(measured: Measurement, before: Usage, after: Usage): Omit<Delivery, 'command'> {
  const { deliveries } = measured.counts;
  const userSeconds = after.userSeconds - before.userSeconds;
  const systemSeconds = after.systemSeconds - before.systemSeconds;
  return {
    measured,
    userMicrosPerDelivery: (userSeconds * 1e6) / deliveries,
    systemMicrosPerDelivery: (systemSeconds * 1e6) / deliveries,
    cpuMicrosPerDelivery: ((userSeconds + systemSeconds) * 1e6) / deliveries,
    deliveriesPerCpuSecond: deliveries / (userSeconds + systemSeconds),
    residentBytes: after.residentBytes,
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
