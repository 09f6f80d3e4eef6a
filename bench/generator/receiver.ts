/**
 * A worker that holds many subscribers and accounts for everything that they get.
 */
import { speak } from './conversation.ts';
import type { Memory } from './dialect.ts';
import { dialects } from './dialects/catalogue.ts';
import type { FromReceiver, Misbehaviour, Target, ToReceiver } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { Signals } from './signals.ts';
import { StallWatch } from './stall-watch.ts';
import { Tally } from './tally.ts';
import { channelsOf } from './topology.ts';
import type { BenchWebSocket } from './websocket.ts';

/** How often the parent hears how many deliveries there were: that is how it knows when nothing more comes. */
const progressEveryMs = 50;

/** Long enough to read what the kernel holds for a connection. */
const readToTheEndMs = 500;

/** Whose connection has ended waits so long, and up to as long again, before each attempt to open another. */
const comeBackMs = 200;

/** The channels of each connection. */
const subscriptions: number[][] = [];
const sockets: BenchWebSocket[] = [];
/** What each of them must know to come back. */
const memories: Memory[] = [];
/** How they were opened, for those that come back. */
let connectOrder: Connect | null = null;
/** Connections from this one on do not count. */
let firstAside = Number.POSITIVE_INFINITY;
const stalls = new StallWatch();
let accounts: Pick<ConstructorParameters<typeof Tally>[0], 'form' | 'recordBytes'> | null = null;
let tally: Tally | null = null;
/** Of a run in which connections come back. */
let signals: Signals | null = null;
let closed = 0;
let asideClosed = 0;
let wireBytes = 0;
let cpuAtBegin = process.cpuUsage();

function tell(message: FromReceiver): void {
  process.send?.(message);
}

process.on('message', (message: ToReceiver) => {
  obey(message).catch((error: Error) => tell({ type: 'failed', reason: error.message }));
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal; the parent ends this one.
process.on('SIGINT', () => {});

type Connect = Extract<ToReceiver, { type: 'connect' }>;

async function obey(message: ToReceiver): Promise<void> {
  switch (message.type) {
    case 'connect':
      return await connect(message);
    case 'set aside':
      return setAside(message.connections);
    case 'misbehave':
      return await misbehave(message.how);
    case 'begin':
      return begin(message);
    case 'count':
      return tell({ type: 'counted', deliveries: tally?.deliveries ?? 0, arrivals: tally?.arrivals ?? 0 });
    case 'report':
      return await report(message.published);
  }
}

async function connect(order: Connect): Promise<void> {
  const { targets, recordBytes, topology, connections, firstSubscriber } = order;
  const cpuBefore = process.cpuUsage();
  const startedAt = monotonicMs();
  const [{ dialect }] = targets as [Target];
  accounts = { form: dialects[dialect](recordBytes).form, recordBytes };
  connectOrder = order;
  let opened = 0;
  const open = async (): Promise<void> => {
    while (opened < connections) {
      const channels = channelsOf(topology, firstSubscriber + opened);
      opened += 1;
      await openOne(order, subscriptions.push(channels) - 1, channels);
    }
  };
  await Promise.all(Array.from({ length: order.parallel }, open));
  tell({
    type: 'connected',
    seconds: (monotonicMs() - startedAt) / 1_000,
    cpuSeconds: cpuSecondsSince(cpuBefore),
  });
}

async function openOne(
  { targets, recordBytes, firstSubscriber, localAddresses }: Connect,
  index: number,
  channels: readonly number[],
  attempt = 0,
): Promise<void> {
  const target = targets[(firstSubscriber + index + attempt) % targets.length] as Target;
  let opened = false;
  memories[index] ??= {};
  sockets[index] = await speak({
    target,
    dialect: dialects[target.dialect](recordBytes),
    channels,
    localAddress: localAddresses[index % localAddresses.length],
    memory: memories[index],
    sink: {
      // A look at the clock for each message: one that was older would date it back.
      records(bytes, offset, count, stride) {
        if (index >= firstAside) return;
        const now = monotonicMs();
        signals?.arrived(index, now);
        tally?.records(index, bytes, offset, count, stride, now);
      },
      mangled: () => tally?.mangled(),
      gap() {
        if (signals === null) tally?.mangled();
        else signals.told(index, monotonicMs());
      },
      recovered: () => signals?.recovered(index),
    },
    arrived: (bytes) => {
      wireBytes += bytes;
    },
    closed() {
      if (signals !== null) {
        // An attempt that failed is made again by whoever made it.
        if (opened) void comeBack(index, attempt + 1);
      } else if (index < firstAside) closed += 1;
      else if (!reconnecting) asideClosed += 1;
    },
  });
  opened = true;
}

/** At the next address, and the next, until one takes it. */
async function comeBack(index: number, attempt: number): Promise<void> {
  if (connectOrder === null) return;
  signals?.cutOff(index, monotonicMs());
  await new Promise((resolve) => setTimeout(resolve, comeBackMs * (1 + Math.random())));
  try {
    await openOne(connectOrder, index, subscriptions[index] as number[], attempt);
    signals?.back(index, monotonicMs());
  } catch {
    await comeBack(index, attempt + 1);
  }
}

function setAside(connections: number): void {
  firstAside = subscriptions.length - connections;
  tell({ type: 'set aside' });
}

let reconnecting = false;
let stopped = false;

async function misbehave(how: Misbehaviour): Promise<void> {
  const startedAt = monotonicMs();
  stopped = how === 'stop reading';
  if (stopped) for (const socket of sockets.slice(firstAside)) socket.stopReading();
  else await reconnect();
  tell({ type: 'misbehaved', seconds: (monotonicMs() - startedAt) / 1_000 });
}

/** All leave, and are back when this resolves. */
async function reconnect(): Promise<void> {
  const order = connectOrder;
  if (order === null) return;
  reconnecting = true;
  for (const socket of sockets.slice(firstAside)) socket.close();
  let next = firstAside;
  const open = async (): Promise<void> => {
    while (next < subscriptions.length) {
      const index = next++;
      await openOne(order, index, subscriptions[index] as number[]);
    }
  };
  await Promise.all(Array.from({ length: order.parallel }, open));
  reconnecting = false;
}

/** What comes from now on counts, and what is used from now on is used for reading. */
function begin({ run, comeBack }: Extract<ToReceiver, { type: 'begin' }>): void {
  if (accounts === null) return;
  if (tally === null) setInterval(tellProgress, progressEveryMs);
  signals = comeBack ? new Signals(subscriptions.length, monotonicMs()) : null;
  tally = new Tally({
    ...accounts,
    run,
    subscriptions: subscriptions.slice(0, firstAside),
    ...(signals === null ? {} : { watch: signals }),
  });
  told = 0;
  wireBytes = 0;
  stalls.reset();
  cpuAtBegin = process.cpuUsage();
  tell({ type: 'begun' });
}

let told = 0;
function tellProgress(): void {
  if (tally === null || tally.arrivals === told) return;
  told = tally.arrivals;
  tell({ type: 'progress', deliveries: tally.deliveries });
}

async function report(published: readonly number[]): Promise<void> {
  if (tally === null) return;
  const cpuSeconds = cpuSecondsSince(cpuAtBegin);
  const { longestMs: longestStallMs } = stalls;
  if (stopped) await readToTheEnd();
  const counted = tally;
  tell({
    type: 'report',
    counts: tally.counts(published),
    closed,
    asideClosed,
    latency: tally.latency.encode(),
    wireBytes,
    cpuSeconds,
    longestStallMs,
    signals: signals?.counts((receiver) => counted.tailOf(receiver, published)) ?? null,
  });
}

/** The end of a connection stands behind everything that was sent before it: who does not read does not see it. */
async function readToTheEnd(): Promise<void> {
  for (const socket of sockets.slice(firstAside)) socket.readAgain();
  await new Promise((resolve) => setTimeout(resolve, readToTheEndMs));
}

function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
