/**
 * One process of a crowd. It is one loop around epoll, in which orders are just another descriptor: no event loop of the
 * runtime, no timers, nothing that grows with the connections but the kernel's own memory. Bun only.
 */
import { writeSync } from 'node:fs';
import { monotonicMs } from '../generator/monotonic.ts';
import { mostDescriptors } from './capacity.ts';
import { addressOf, Poll, readBytes } from './kernel.ts';
import { Members } from './members.ts';
import type { Order, Said } from './orders.ts';
import { tlsWire } from './tls-wire.ts';
import { plainWire } from './wire.ts';

const input = 0;
const output = 1;

/** How often the parent hears how far it is. */
const progressEveryMs = 100;

const poll = new Poll();
poll.watchReadable(input);
let members = null as Members | null;
let connecting = false;
let told = 0;
let toldAt = 0;

const bytes = Buffer.alloc(16_384);
const bytesAt = addressOf(bytes);
let line = '';

for (;;) {
  poll.wait(timeoutMs(), (fd, isReadable) => {
    if (fd === input) readOrders();
    else members?.happened(fd, isReadable);
  });
  if (members !== null) goOn(members);
}

function goOn(all: Members): void {
  all.retryDue();
  if (connecting && all.connected) {
    connecting = false;
    tellProgress(all);
    say({ type: 'connected' });
  }
  if (monotonicMs() - toldAt >= progressEveryMs) tellProgress(all);
}

/** For ever, unless somebody waits for another try or there is something to tell. */
function timeoutMs(): number {
  const retry = members?.nextRetryMs ?? -1;
  if (members === null || members.changes === told) return retry;
  return retry === -1 ? progressEveryMs : Math.min(retry, progressEveryMs);
}

function tellProgress(of: Members): void {
  toldAt = monotonicMs();
  if (of.changes === told) return;
  told = of.changes;
  say(of.progress);
}

function readOrders(): void {
  const count = readBytes(input, bytesAt, bytes.length);
  // The parent is gone.
  if (count === 0) process.exit(0);
  line += bytes.toString('utf8', 0, Math.max(0, count));
  for (let end = line.indexOf('\n'); end !== -1; end = line.indexOf('\n')) {
    const order = JSON.parse(line.slice(0, end)) as Order;
    line = line.slice(end + 1);
    obey(order);
  }
}

function obey(order: Order): void {
  switch (order.type) {
    case 'connect':
      members = new Members(poll, order.target.tls ? tlsWire(mostDescriptors) : plainWire, (reason) => {
        say({ type: 'failed', reason: `too many handshakes failed, the last one because: ${reason}` });
        process.exit(1);
      });
      connecting = true;
      members.connect(order);
      return;
    case 'expect':
      members?.expect(order.run, order.recordBytes);
      say({ type: 'expecting' });
      return;
    case 'report': {
      const receipts = members?.receipts ?? null;
      if (members === null || receipts === null) return;
      const { pings } = members;
      say({ type: 'report', ...receipts.counts, latency: receipts.encodedLatency(), pings });
    }
  }
}

function say(said: Said): void {
  writeSync(output, `${JSON.stringify(said)}\n`);
}
