/**
 * `snapshot`: many who are new subscribe at once to a channel that keeps the newest value of each key. How long it takes until
 * the first, half of them and the last have all values, and what that costs, beside a server that hands out as many bytes
 * that were made before.
 *
 * Everybody is connected already: what is timed begins with the subscribe.
 */
import { keyedPublication, keyOf } from '../generator/latecomers/outcry.ts';
import { Latecomers } from '../generator/latecomers/latecomers.ts';
import { ratioCell, spreadCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { Announcer } from '../systems/announcer.ts';
import type { Running } from '../systems/running.ts';
import type { RunningSystem, System } from '../systems/system.ts';
import type { Alternation, Turn } from './alternation.ts';
import {
  type CatchUpOptions,
  type CaughtUp,
  inTurns,
  timeCells,
  verdictCells,
  whileCatchingUp,
} from './catching-up.ts';

export interface SnapshotOptions extends CatchUpOptions<System> {
  /** With a value each. */
  keys: number;
}

export async function snapshot(
  options: SnapshotOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const alternation = await inTurns('snapshot', options, reporter, (system) =>
    measure(system, options, running),
  );
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
    ...timeCells(turn, alternation),
    'answered ms': of(({ lastInMs }) => lastInMs),
    'CPU s': of(({ cpuSeconds }) => cpuSeconds, 2),
    'CPU × bare': ratioCell(cpu.ratio),
    'A/A': spreadCell(cpu.spread),
    'KB each': of(({ wireBytes }) => wireBytes / clients / 1e3, 1),
    ...verdictCells(turn, alternation),
  });
}
