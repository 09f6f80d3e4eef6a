/**
 * A worker that holds many subscribers and accounts for everything that they get.
 */

import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { FromReceiver, ToReceiver } from './messages.ts';
import { monotonicMs } from './monotonic.ts';
import { Tally } from './tally.ts';
import { BenchWebSocket } from './websocket.ts';

/** How often the parent hears how many deliveries there were: that is how it knows when nothing more comes. */
const progressEveryMs = 50;

const sockets: BenchWebSocket[] = [];
let tally: Tally | null = null;
let closed = 0;
let reported = -1;
let cpuAtBegin = process.cpuUsage();

function tell(message: FromReceiver): void {
  process.send?.(message);
}

process.on('message', (message: ToReceiver) => {
  if (message.type === 'connect')
    connect(message).catch((error: Error) => tell({ type: 'failed', reason: error.message }));
  else if (message.type === 'begin') begin();
  else report(message.published);
});
process.on('disconnect', () => process.exit(0));

async function connect(order: Extract<ToReceiver, { type: 'connect' }>): Promise<void> {
  const accounts = new Tally(order.connections, order.recordBytes, order.verifyEvery);
  tally = accounts;
  const startedAt = monotonicMs();
  let next = 0;
  const open = async (): Promise<void> => {
    while (next < order.connections) {
      const index = next++;
      const socket = await BenchWebSocket.open({
        ...order.target,
        localAddress: order.localAddresses[index % order.localAddresses.length],
        sink: {
          // One look at the clock per message costs more than it tells; the pieces of one turn arrive together.
          message: (bytes, offset, size) => accounts.message(index, bytes, offset, size, turnTime()),
          control() {},
        },
        closed() {
          closed += 1;
        },
      });
      sockets.push(socket);
    }
  };
  await Promise.all(Array.from({ length: order.parallel }, open));
  tell({ type: 'connected', seconds: (monotonicMs() - startedAt) / 1_000 });
  setInterval(() => {
    if (accounts.deliveries === reported) return;
    reported = accounts.deliveries;
    tell({ type: 'progress', deliveries: reported });
  }, progressEveryMs);
}

/** Deliveries between two looks at the clock: at half a million a second, that is every 32 µs. */
const looksEvery = 16;
let looksLeft = 0;
let lastLook = 0;

function turnTime(): number {
  if (looksLeft === 0) {
    lastLook = monotonicMs();
    looksLeft = looksEvery;
    // A new turn begins with a new look: what waited in the kernel meanwhile must not be dated back.
    if (!turnPlanned) {
      turnPlanned = true;
      setImmediate(endTurn);
    }
  }
  looksLeft -= 1;
  return lastLook;
}

let turnPlanned = false;
function endTurn(): void {
  turnPlanned = false;
  looksLeft = 0;
}

/** Connecting is over: what is used from now on is used for reading. */
function begin(): void {
  cpuAtBegin = process.cpuUsage();
  tell({ type: 'begun' });
}

function report(published: number): void {
  const { user, system } = process.cpuUsage(cpuAtBegin);
  if (tally === null) return;
  tell({
    type: 'report',
    counts: tally.counts(published),
    closed,
    histogram: encodeIntoCompressedBase64(tally.histogram),
    cpuSeconds: (user + system) / 1e6,
  });
}
