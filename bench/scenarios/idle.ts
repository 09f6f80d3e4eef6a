/**
 * `idle`: what a connection costs that says nothing, and what it costs to open one.
 *
 * Memory is a slope, not a sum: resident bytes at two counts of connections, each after a garbage collection, divided by
 * the connections between them. So the runtime itself, its heap's reserve and its compiled code are not in it. The
 * handshakes between the two counts are the ones that are timed.
 */
import { Receivers } from '../generator/receivers.ts';
import { oneChannel } from '../generator/topology.ts';
import type { Status } from '../generator/verdict.ts';
import { outcomeOf } from '../report/bar.ts';
import { ratioCell, spreadCell, verdictCell } from '../report/cells.ts';
import type { Reporter } from '../report/reporter.ts';
import { slabBytes, slabCaches } from '../systems/kernel-memory.ts';
import { usageOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import { catalogue } from '../systems/catalogue.ts';
import type { RunningSystem, System } from '../systems/system.ts';
import { Alternation, type Turn } from './alternation.ts';

/** A process may have 20,000 descriptors where nobody has raised it. */
const connectionsPerProcess = 10_000;
/** A generator process this busy may be what the handshakes waited for. */
const maxGeneratorShare = 0.9;

/** Bytes of user space that an idle connection may cost: a raw one, and one with a session and one channel. */
const maxBytes: Record<string, number> = {
  'outcry-bun': 2_600,
  'outcry-node': 1_700,
  'outcry-bun-msgpack': 3_000,
  'outcry-node-msgpack': 2_200,
};

/** Those with a bar, and what they are compared with. */
export const idleSystems: readonly System[] = catalogue.filter(
  ({ name, bare }) => name === bare || name in maxBytes,
);
/** Handshakes a second, as a multiple of those of the bare server. */
const minHandshakeRatio = 0.8;

export interface IdleOptions {
  /** Connections at the two ends of the slope. */
  from: number;
  to: number;
  rounds: number;
  systems: readonly System[];
}

interface Run {
  /** Resident bytes of the server, per connection. */
  userBytes: number;
  /** Slab bytes, per connection, both ends. */
  kernelBytes: number;
  /** The slab caches that grew, in bytes per connection. */
  kernelCaches: Record<string, number> | null;
  residentBytes: [number, number];
  handshakesPerSecond: number;
  cpuMicrosPerHandshake: number;
  /** CPU seconds per second of the busiest generator process during the handshakes. */
  generatorShare: number;
  /** Connections that ended although nobody closed them. */
  closed: number;
  status: Status;
}

export async function idle(options: IdleOptions, running: Running, reporter: Reporter): Promise<void> {
  const { from, to, rounds, systems } = options;
  const alternation = new Alternation<Run>(systems);
  await alternation.run(rounds, async ({ name, system }, round) => {
    reporter.progress(`idle: round ${round + 1} of ${rounds}, ${name}`);
    const run = await measure(system, options, running);
    reporter.raw({ scenario: 'idle', from, to, round, system: name, bare: system.bare, ...run });
    if (run.closed > 0) reporter.note(`${name}: ${run.closed} connections ended by themselves`);
    return run;
  });
  for (const turn of alternation.turns) addRow(turn, alternation, options, reporter);
  for (const turn of alternation.turns.filter(({ system }) => system.ours !== undefined))
    addBars(turn, alternation, reporter);
}

async function measure(system: System, { from, to }: IdleOptions, running: Running): Promise<Run> {
  const server = await system.start({ running, collectable: true });
  const receivers = new Receivers(Math.max(2, Math.ceil(to / connectionsPerProcess)));
  try {
    // Nothing is published, so records have no size.
    const subscribing = { targets: server.subscribeTo, recordBytes: 0, topology: oneChannel };
    await receivers.connect(subscribing, from);
    const few = await memoryOf(server);
    const before = usageOf(server.pids);
    const { seconds, cpuSeconds } = await receivers.connect(subscribing, to - from);
    const after = usageOf(server.pids);
    const many = await memoryOf(server);
    await receivers.begin(0);
    const reports = await receivers.report([]);

    const connections = to - from;
    const closed = reports.reduce((sum, report) => sum + report.closed, 0);
    const generatorShare = Math.max(...cpuSeconds) / seconds;
    const cpu = after.userSeconds + after.systemSeconds - before.userSeconds - before.systemSeconds;
    return {
      userBytes: (many.residentBytes - few.residentBytes) / connections,
      kernelBytes: (many.slabBytes - few.slabBytes) / connections,
      kernelCaches: grown(few.slabCaches, many.slabCaches, connections),
      residentBytes: [few.residentBytes, many.residentBytes],
      handshakesPerSecond: connections / seconds,
      cpuMicrosPerHandshake: (cpu * 1e6) / connections,
      generatorShare,
      closed,
      status: statusOf(closed, generatorShare),
    };
  } finally {
    await receivers.end();
    await server.stop();
  }
}

function statusOf(closed: number, generatorShare: number): Status {
  if (closed > 0) return 'invalid';
  return generatorShare > maxGeneratorShare ? 'generator-bound' : 'ok';
}

interface Memory {
  /** Without what stands empty for new objects. */
  residentBytes: number;
  slabBytes: number;
  slabCaches: Record<string, number> | null;
}

const settleMs = 300;
/** Collections in a row after which no more was given back. */
const calmCollections = 3;
const maxCollections = 20;
const calmBytes = 256 * 1_024;

/** Collects garbage until nothing more is given back: allocators return pages some time after they are free. */
async function memoryOf(server: RunningSystem): Promise<Memory> {
  let residentBytes = Number.POSITIVE_INFINITY;
  let calm = 0;
  for (let collections = 0; calm < calmCollections && collections < maxCollections; collections += 1) {
    const youngBytes = await server.collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const now = usageOf(server.pids).residentBytes - youngBytes;
    calm = residentBytes - now < calmBytes ? calm + 1 : 0;
    residentBytes = now;
  }
  return { residentBytes, slabBytes: slabBytes(), slabCaches: slabCaches() };
}

/** Caches that grew by at least 16 bytes per connection. */
function grown(
  before: Record<string, number> | null,
  after: Record<string, number> | null,
  connections: number,
): Record<string, number> | null {
  if (before === null || after === null) return null;
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, bytes]) => [name, Math.round((bytes - (before[name] ?? 0)) / connections)] as const)
      .filter(([, bytes]) => bytes >= 16),
  );
}

function addRow(
  turn: Turn,
  alternation: Alternation<Run>,
  { from, to }: IdleOptions,
  reporter: Reporter,
): void {
  const memory = alternation.compare(turn, (run) => run.userBytes);
  const handshakes = alternation.compare(turn, (run) => run.handshakesPerSecond);
  const of = (pick: (run: Run) => number, digits = 0) => alternation.median(turn, pick).toFixed(digits);
  reporter.row(`idle connections, between ${from.toLocaleString('en')} and ${to.toLocaleString('en')}`, {
    system: turn.name,
    'user space B': of((run) => run.userBytes),
    '× bare': ratioCell(memory.ratio),
    'A/A': spreadCell(memory.spread),
    'kernel B, both ends': of((run) => run.kernelBytes),
    'handshakes/s': of((run) => run.handshakesPerSecond),
    'h/s × bare': ratioCell(handshakes.ratio),
    'h/s A/A': spreadCell(handshakes.spread),
    'CPU µs each': of((run) => run.cpuMicrosPerHandshake),
    'CPU × bare': ratioCell(alternation.compare(turn, (run) => run.cpuMicrosPerHandshake).ratio),
    'generator share': of((run) => run.generatorShare, 2),
    verdict: verdictCell(alternation.runsOf(turn.name).map(({ status }) => status)),
  });
}

function addBars(turn: Turn, alternation: Alternation<Run>, reporter: Reporter): void {
  const runs = alternation.comparedRunsOf(turn);
  const memory = alternation.compare(turn, (run) => run.userBytes);
  const userBytes = alternation.median(turn, (run) => run.userBytes);
  const limit = maxBytes[turn.system.name];
  if (limit !== undefined)
    reporter.row('bars', {
      bar: `${turn.name}: user space of a connection at most ${limit} B`,
      figure: userBytes.toFixed(0),
      'A/A': spreadCell(memory.spread),
      outcome: outcomeOf({
        figure: userBytes,
        limit,
        spread: memory.spread,
        counts: runs.every(({ status }) => status !== 'invalid'),
      }),
    });
  // A native handshake is three: the upgrade, connect and subscribe.
  if (turn.system.ours?.codec !== 'raw') return;
  const { ratio, spread } = alternation.compare(turn, (run) => run.handshakesPerSecond);
  reporter.row('bars', {
    bar: `${turn.name}: handshakes a second at least ${minHandshakeRatio} × bare`,
    figure: ratioCell(ratio),
    'A/A': spreadCell(spread),
    outcome: outcomeOf({
      figure: ratio,
      limit: minHandshakeRatio,
      atLeast: true,
      spread,
      counts: runs.every(({ status }) => status === 'ok'),
    }),
  });
}
