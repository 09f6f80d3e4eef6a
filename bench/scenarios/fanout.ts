/**
 * `fanout`: one publisher, many subscribers, one room. What a delivery costs, and how late it is.
 *
 * A run has a fresh server and a warm-up of its own, and is compared with the bare publish of the same runtime in the same
 * round.
 */
import { generate, type Measurement } from '../generator/generator.ts';
import { outcomeOf } from '../report/bar.ts';
import { ratioCell, spreadCell, verdictCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { type Usage, usageOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import type { System } from '../systems/system.ts';
import { Alternation, type Turn } from './alternation.ts';

/** What a raw room may cost, as a multiple of the bare publish of the same runtime. */
const maxCpuRatio = 1.05;

export interface FanoutOptions {
  clients: number;
  /** Messages a second, one after the other. */
  rates: readonly number[];
  recordBytes: number;
  seconds: number;
  /** The same load before, not measured. */
  warmUpSeconds: number;
  rounds: number;
  systems: readonly System[];
}

interface Run {
  measured: Measurement;
  userMicrosPerDelivery: number;
  systemMicrosPerDelivery: number;
  cpuMicrosPerDelivery: number;
  deliveriesPerCpuSecond: number;
  residentBytes: number;
}

export async function fanout(options: FanoutOptions, running: Running, reporter: Reporter): Promise<void> {
  const { rates, rounds, systems } = options;
  const measured = new Map<number, Alternation<Run>>();
  for (const rate of rates) {
    const alternation = new Alternation<Run>(systems);
    await alternation.run(rounds, async ({ name, system }, round) => {
      const where = `fanout: ${rate}/s, round ${round + 1} of ${rounds}, ${name}`;
      reporter.progress(where);
      const run = await measure(system, rate, options, running, (deliveries) =>
        reporter.tick(`${where}, ${deliveries.toLocaleString('en')} deliveries`),
      );
      reporter.raw({ scenario: 'fanout', rate, round, system: name, ...run });
      if (!accountedFor(run))
        for (const reservation of run.measured.verdict.reservations)
          reporter.note(`${rate}/s, ${name}: ${reservation}`);
      return run;
    });
    for (const turn of alternation.turns) addRow(rate, turn, alternation, options, reporter);
    measured.set(rate, alternation);
  }
  for (const [rate, alternation] of measured)
    for (const turn of alternation.turns.filter(({ system }) => system.isOurs))
      addBar(rate, turn, alternation, reporter);
}

async function measure(
  system: System,
  rate: number,
  { clients, recordBytes, seconds, warmUpSeconds }: FanoutOptions,
  running: Running,
  onProgress: (deliveries: number) => void,
): Promise<Run> {
  const server = await system.start({ running });
  try {
    let before = usageOf(server.pids);
    let after = before;
    const measured = await generate(
      {
        target: server.subscribeTo,
        publishTo: server.publishTo,
        receivers: clients,
        rate,
        seconds,
        warmUpSeconds,
        recordBytes,
        onProgress,
      },
      {
        before() {
          before = usageOf(server.pids);
        },
        after() {
          after = usageOf(server.pids);
        },
      },
    );
    return runOf(measured, before, after);
  } finally {
    await server.stop();
  }
}

function runOf(measured: Measurement, before: Usage, after: Usage): Run {
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

/**
 * A generator that is later than this sends bursts, and a burst costs any server less: with a lag p99 of 30 to 60 ms
 * deliveries were seen to cost half.
 */
const maxBurstLagMs = 10;

function cpuCounts(run: Run): boolean {
  return accountedFor(run) && run.measured.scheduleLag.p99 <= maxBurstLagMs;
}

/** Every delivery came once, in order and whole. */
function accountedFor({ measured }: Run): boolean {
  return measured.verdict.status === 'ok' || measured.verdict.status === 'generator-bound';
}

function addRow(
  rate: number,
  turn: Turn,
  alternation: Alternation<Run>,
  { clients, recordBytes }: FanoutOptions,
  reporter: Reporter,
): void {
  const runs = alternation.runsOf(turn.name);
  const { ratio, spread } = alternation.compare(turn, (run) => run.cpuMicrosPerDelivery);
  const of = (pick: (run: Run) => number, digits: number) => alternation.median(turn, pick).toFixed(digits);
  const total = (pick: (run: Run) => number) =>
    runs.reduce((sum, run) => sum + pick(run), 0).toLocaleString('en');
  reporter.row(`${rate} messages/s × ${clients} subscribers, ${recordBytes} bytes`, {
    system: turn.name,
    deliveries: total((run) => run.measured.counts.deliveries),
    lost: total((run) => run.measured.counts.gaps + run.measured.counts.tail),
    dup: total((run) => run.measured.counts.duplicates),
    'p50 ms': of((run) => run.measured.latency.p50, 1),
    p99: of((run) => run.measured.latency.p99, 1),
    'p99.9': of((run) => run.measured.latency.p999, 1),
    max: of((run) => run.measured.latency.max, 1),
    'user µs': of((run) => run.userMicrosPerDelivery, 2),
    'system µs': of((run) => run.systemMicrosPerDelivery, 2),
    '× bare': ratioCell(ratio),
    'A/A': spreadCell(spread),
    'RSS MB': of((run) => run.residentBytes / 1e6, 0),
    'generator cores': of((run) => run.measured.generatorCores, 2),
    'lag p99': of((run) => run.measured.scheduleLag.p99, 1),
    verdict: verdictCell(runs.map(({ measured }) => measured.verdict.status)),
  });
}

function addBar(rate: number, turn: Turn, alternation: Alternation<Run>, reporter: Reporter): void {
  const { ratio, spread } = alternation.compare(turn, (run) => run.cpuMicrosPerDelivery);
  const counts = alternation.comparedRunsOf(turn).every(cpuCounts);
  reporter.row('bars', {
    bar: `${turn.name}, ${rate}/s: CPU per delivery at most ${maxCpuRatio} × bare`,
    figure: ratioCell(ratio),
    'A/A': spreadCell(spread),
    outcome: outcomeOf({ figure: ratio, limit: maxCpuRatio, spread, counts }),
  });
}
