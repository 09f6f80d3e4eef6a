/**
 * `snapshot`: many who are new subscribe at once to a channel that keeps the newest value of each key. How long it takes until
 * the first, half of them and the last have all values, and what that costs, beside a server that hands out as many bytes
 * that were made before.
 *
 * Everybody is connected already: what is timed begins with the subscribe.
 */
import { keyedPublication, keyOf } from '../generator/latecomers/outcry.ts';
import { Latecomers } from '../generator/latecomers/latecomers.ts';
import { ratioCell, spreadCell, verdictCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { Announcer } from '../systems/announcer.ts';
import type { Running } from '../systems/running.ts';
import type { RunningSystem, System } from '../systems/system.ts';
import { Alternation, type Turn } from './alternation.ts';
import { type CaughtUp, flawsOf, whileCatchingUp } from './catching-up.ts';
import { installed } from './sweep.ts';

export interface SnapshotOptions {
  clients: number;
  /** With a value each. */
  keys: number;
  recordBytes: number;
  rounds: number;
  systems: readonly System[];
}

export async function snapshot(
  options: SnapshotOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const { clients, keys, recordBytes, rounds } = options;
  const alternation = new Alternation<CaughtUp>(installed(options.systems, reporter));
  await alternation.run(rounds, async ({ name, system }, round) => {
    reporter.progress(`snapshot: round ${round + 1} of ${rounds}, ${name}`);
    const run = await measure(system, options, running);
    reporter.raw({
      ...{ scenario: 'snapshot', round, system: name, bare: system.bare, clients, keys, recordBytes },
      ...run,
    });
    const flaws = flawsOf(run);
    if (flaws.length > 0) reporter.note(`${name}: ${flaws.join(', ')}`);
    return run;
  });
  for (const turn of alternation.turns) addRow(turn, alternation, options, reporter);
}

async function measure(
  system: System,
  { clients, keys, recordBytes }: SnapshotOptions,
  running: Running,
): Promise<CaughtUp> {
  const server = await system.start({ running });
  const latecomers = new Latecomers();
  try {
    if (system.name !== system.bare) await fill(server, keys, recordBytes);
    const targets = server.subscribeTo;
    await latecomers.come({ targets, recordBytes, connections: clients, channels: 1, joining: false });
    return await whileCatchingUp(server, clients, () => latecomers.catchUp(targets, keys));
  } finally {
    await latecomers.end();
    await server.stop();
  }
}

/** Publishes a value for each key; returns when somebody has heard them all. */
async function fill({ publishTo }: RunningSystem, keys: number, recordBytes: number): Promise<void> {
  const witness = new Latecomers();
  try {
    const arriving = { targets: [publishTo], recordBytes, channels: 1, joining: true };
    await witness.come({ ...arriving, connections: 1 });
    const announcer = await Announcer.connect(publishTo, recordBytes, (record, channel, sequence) =>
      keyedPublication(record, channel, keyOf(sequence)),
    );
    announcer.announce(1, 0, keys);
    await witness.have(keys);
    announcer.close();
    await witness.leave();
  } finally {
    await witness.end();
  }
}

function addRow(
  turn: Turn,
  alternation: Alternation<CaughtUp>,
  { clients, keys, recordBytes }: SnapshotOptions,
  reporter: Reporter,
): void {
  const of = (pick: (run: CaughtUp) => number, digits = 0) => alternation.median(turn, pick).toFixed(digits);
  const cpu = alternation.compare(turn, ({ cpuSeconds }) => cpuSeconds);
  const whole = (number: number) => number.toLocaleString('en');
  reporter.row(`${whole(keys)} keys of ${recordBytes} bytes to ${whole(clients)} new subscribers`, {
    system: turn.name,
    'first ms': of(({ afterMs }) => afterMs.first),
    median: of(({ afterMs }) => afterMs.median),
    p99: of(({ afterMs }) => afterMs.p99),
    'last ms': of(({ afterMs }) => afterMs.last),
    '× bare': ratioCell(alternation.compare(turn, ({ afterMs }) => afterMs.last).ratio),
    'answered ms': of(({ lastInMs }) => lastInMs),
    'CPU s': of(({ cpuSeconds }) => cpuSeconds, 2),
    'CPU × bare': ratioCell(cpu.ratio),
    'A/A': spreadCell(cpu.spread),
    'KB each': of(({ wireBytes }) => wireBytes / clients / 1e3, 1),
    'RSS MB': of(({ residentBytes }) => residentBytes / 1e6),
    'generator share': of(({ found }) => found.busiestShare, 2),
    verdict: verdictCell(alternation.runsOf(turn.name).map(({ status }) => status)),
  });
}
