/**
 * A worker that holds many subscribers and accounts for everything that they get.
 */
import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { dialects } from './dialect.ts';
import type { FromReceiver, ToReceiver } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { StallWatch } from './stall-watch.ts';
import { Tally } from './tally.ts';
import { BenchWebSocket } from './websocket.ts';

/** How often the parent hears how many deliveries there were: that is how it knows when nothing more comes. */
const progressEveryMs = 50;

const sockets: BenchWebSocket[] = [];
const stalls = new StallWatch();
let connections = 0;
let tally: Tally | null = null;
let closed = 0;
let cpuAtBegin = process.cpuUsage();

function tell(message: FromReceiver): void {
  process.send?.(message);
}

process.on('message', (message: ToReceiver) => {
  if (message.type === 'connect')
    connect(message).catch((error: Error) => tell({ type: 'failed', reason: error.message }));
  else if (message.type === 'begin') begin(message);
  else report(message.published);
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of a terminal; the parent ends this one.
process.on('SIGINT', () => {});

async function connect(order: Extract<ToReceiver, { type: 'connect' }>): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const startedAt = monotonicMs();
  const last = connections + order.connections;
  const open = async (): Promise<void> => {
    while (connections < last) await openOne(order, connections++);
  };
  await Promise.all(Array.from({ length: order.parallel }, open));
  tell({
    type: 'connected',
    seconds: (monotonicMs() - startedAt) / 1_000,
    cpuSeconds: cpuSecondsSince(cpuBefore),
  });
}

async function openOne(
  { target, localAddresses }: Extract<ToReceiver, { type: 'connect' }>,
  index: number,
): Promise<void> {
  const dialect = dialects[target.dialect];
  const records = (bytes: Buffer, offset: number, size: number): void =>
    // A look at the clock for each message: one that was older would date it back.
    tally?.records(index, bytes, offset, size, monotonicMs());
  const socket = await BenchWebSocket.open({
    ...target,
    localAddress: localAddresses[index % localAddresses.length],
    sink: {
      message: (bytes, offset, size) => dialect.read(bytes, offset, size, records),
      control() {},
    },
    closed() {
      closed += 1;
    },
  });
  sockets.push(socket);
}

/** What comes from now on counts, and what is used from now on is used for reading. */
function begin({ recordBytes, first }: Extract<ToReceiver, { type: 'begin' }>): void {
  const accounts = new Tally(connections, recordBytes, first);
  if (tally === null) setInterval(tellProgress, progressEveryMs);
  tally = accounts;
  told = 0;
  stalls.reset();
  cpuAtBegin = process.cpuUsage();
  tell({ type: 'begun' });
}

let told = 0;
function tellProgress(): void {
  if (tally === null || tally.deliveries === told) return;
  told = tally.deliveries;
  tell({ type: 'progress', deliveries: told });
}

function report(published: number): void {
  if (tally === null) return;
  tell({
    type: 'report',
    counts: tally.counts(published),
    closed,
    histogram: encodeIntoCompressedBase64(tally.histogram),
    cpuSeconds: cpuSecondsSince(cpuAtBegin),
    longestStallMs: stalls.longestMs,
  });
}

function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
