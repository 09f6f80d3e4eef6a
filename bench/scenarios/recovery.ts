/**
 * `recovery`: everybody loses the connection, misses some publications, and comes back at once. How long it takes until the
 * last one has all that he missed, and what it costs.
 *
 * Each client has heard one record before, so that it has a place to go on from. What it gets is looked at record by record:
 * exactly those that it missed, in order, each once.
 */
import { Latecomers } from '../generator/latecomers/latecomers.ts';
import { ratioCell, spreadCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { Announcer } from '../systems/announcer.ts';
import type { Recovering } from '../systems/recovering.ts';
import type { Running } from '../systems/running.ts';
import type { Alternation, Turn } from './alternation.ts';
import {
  type CatchUpOptions,
  type CaughtUp,
  inTurns,
  timeCells,
  verdictCells,
  whileCatchingUp,
} from './catching-up.ts';

export interface RecoveryOptions extends CatchUpOptions<Recovering> {
  /** The clients are spread over so many. */
  channels: number;
  /** Publications that each of them misses. */
  missed: number;
}

/** Until a server has seen that everybody is gone. */
const settleMs = 500;

export async function recovery(
  options: RecoveryOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const alternation = await inTurns('recovery', options, reporter, (system) =>
    storm(system, options, running),
  );
  for (const turn of alternation.turns) addRow(turn, alternation, options, reporter);
}

async function storm(
  system: Recovering,
  { clients, channels, missed, recordBytes }: RecoveryOptions,
  running: Running,
): Promise<CaughtUp> {
  const server = await system.start({ running });
  const latecomers = new Latecomers();
  const witnesses = new Latecomers();
  try {
    const targets = server.subscribeTo.slice(0, 1);
    const announcer = await Announcer.connect(server.publishTo, recordBytes);
    const arriving = { targets, recordBytes, channels, joining: true };
    await latecomers.come({ ...arriving, connections: clients });
    await witnesses.come({ ...arriving, connections: channels });
    announcer.announce(channels, 0, 1);
    await latecomers.have(1);
    await latecomers.leave();
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    announcer.announce(channels, 1, missed);
    await witnesses.have(1 + missed);
    // Whoever stayed would keep the channel alive on the node.
    await witnesses.leave();
    announcer.close();
    return await whileCatchingUp(server, clients, () =>
      latecomers.catchUp(system.comeBackTo(server), 1 + missed),
    );
  } finally {
    await Promise.all([latecomers.end(), witnesses.end()]);
    await server.stop();
  }
}

function addRow(
  turn: Turn<Recovering>,
  alternation: Alternation<CaughtUp, Recovering>,
  { clients, channels, missed, recordBytes }: RecoveryOptions,
  reporter: Reporter,
): void {
  const of = (pick: (run: CaughtUp) => number, digits = 0) => alternation.median(turn, pick).toFixed(digits);
  const cpu = alternation.compare(turn, allSeconds);
  const publications = clients * missed;
  const title = `${clients.toLocaleString('en')} clients in ${channels === 1 ? 'one channel' : `${channels} channels`}, each missed ${missed} publications of ${recordBytes} bytes`;
  reporter.row(title, {
    ...timeCells(turn, alternation),
    'CPU s': of(({ cpuSeconds }) => cpuSeconds, 2),
    'Redis CPU s': cell(of(({ aroundSeconds }) => aroundSeconds.Redis ?? Number.NaN, 2)),
    'CPU × bare': ratioCell(cpu.ratio),
    'A/A': spreadCell(cpu.spread),
    'CPU µs a publication': of((run) => (allSeconds(run) * 1e6) / publications, 2),
    'MB sent': of(({ wireBytes }) => wireBytes / 1e6, 1),
    'reads of Redis a channel': cell(of(({ counted }) => (counted.redisReads ?? Number.NaN) / channels, 1)),
    ...verdictCells(turn, alternation),
  });
}

/** Of nodes and Redis together. */
function allSeconds({ cpuSeconds, aroundSeconds }: CaughtUp): number {
  return cpuSeconds + Object.values(aroundSeconds).reduce((sum, seconds) => sum + seconds, 0);
}

function cell(figure: string): string {
  return figure === 'NaN' ? '–' : figure;
}
