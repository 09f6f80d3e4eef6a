/**
 * One publication for all, some times over: when the first, the median and the last have it, and what it costs.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Crowd, Reception } from '../../crowd/crowd.ts';
import { speak } from '../../generator/conversation.ts';
import type { Dialect } from '../../generator/dialect.ts';
import { dialects } from '../../generator/dialects/catalogue.ts';
import { monotonicMs } from '../../generator/monotonic.ts';
import type { BenchWebSocket } from '../../generator/websocket.ts';
import type { Reporter } from '../../report/reporter.ts';
import { type Measured, type Spent, spentBy, spentSince } from './measured.ts';
import { addBars } from './bars.ts';

/** Nothing has come for this long: nothing will. */
const quietMs = 5_000;
const maxBroadcastMs = 120_000;

export interface BroadcastOptions {
  /** Bytes of the publication. */
  size: number;
  /** How often. */
  broadcasts: number;
  /** CPU microseconds of a delivery where `fanout` begins; null if it was not measured. */
  referenceMicros: number | null;
}

/** What became of one publication. */
interface Broadcast {
  joined: number;
  sentAt: number;
  got: Reception;
  cpu: Spent;
}

export async function broadcast(
  measured: Measured,
  { size, broadcasts, referenceMicros }: BroadcastOptions,
  reporter: Reporter,
): Promise<void> {
  const { publishTo: target } = measured.server;
  const dialect = dialects[target.dialect](size);
  const ignored = { records() {}, mangled() {} };
  const publisher = await speak({ target, dialect, channels: [], sink: ignored });
  const done: Broadcast[] = [];
  for (let number = 1; number <= broadcasts; number += 1) {
    const one = await publishToAll(measured, publisher, dialect, size, runOf(size, number));
    done.push(one);
    const { joined, got, sentAt, cpu } = one;
    reporter.raw({
      ...{ scenario: 'million', phase: 'broadcast', size, number, joined, ...got, sentAt },
      ...{ cpu: cpu.server, proxyCpu: cpu.proxy },
    });
    reporter.progress(
      `million: ${got.received.toLocaleString('en')} of ${joined.toLocaleString('en')} have the publication of ${size} bytes; the last after ${lastSecondsOf(one).toFixed(2)} s`,
    );
    addRow(one, size, measured.proxy !== null, reporter);
  }
  publisher.close();
  addBars(
    {
      size,
      worstLastSeconds: Math.max(...done.map(lastSecondsOf)),
      micros: done.map(({ cpu, got }) => microsOf(cpu.server, got)),
      referenceMicros: measured.proxy === null ? referenceMicros : null,
      whole: done.every(isWhole),
    },
    reporter,
  );
}

/** Each is a run of its own: what comes late or twice belongs to another one, and is seen. */
async function publishToAll(
  measured: Measured,
  publisher: BenchWebSocket,
  dialect: Dialect,
  size: number,
  run: number,
): Promise<Broadcast> {
  const { crowd } = measured;
  await crowd.expect(run, size);
  const { joined } = crowd.standing;
  const cpuBefore = spentBy(measured);
  const sentAt = monotonicMs();
  const record = Buffer.alloc(size);
  dialect.form.write(record, { sequence: 0, intendedAt: sentAt, channel: 0, run });
  publisher.write(dialect.publication(record, 0));
  await untilReceived(crowd, joined);
  const got = await crowd.report();
  return { joined, sentAt, got, cpu: spentSince(cpuBefore, measured) };
}

/** Resolves when so many have it, or nothing comes any more. */
async function untilReceived(crowd: Crowd, expected: number): Promise<void> {
  const startedAt = monotonicMs();
  let lastAt = startedAt;
  let received = 0;
  for (;;) {
    const now = monotonicMs();
    const { received: current } = crowd.standing;
    if (current >= expected) return;
    if (current !== received) lastAt = now;
    received = current;
    if (now - lastAt > quietMs || now - startedAt > maxBroadcastMs) return;
    await pause(20);
  }
}

function addRow(one: Broadcast, size: number, proxied: boolean, reporter: Reporter): void {
  const { joined, sentAt, got, cpu } = one;
  reporter.row('one publication for all', {
    connections: joined.toLocaleString('en'),
    bytes: String(size),
    got: got.received.toLocaleString('en'),
    lost: String(joined - got.received),
    'twice or damaged': String(flawsIn(got)),
    'first ms': ((got.firstAt ?? sentAt) - sentAt).toFixed(1),
    'median ms': (got.latency?.p50 ?? Number.NaN).toFixed(0),
    'p99 ms': (got.latency?.p99 ?? Number.NaN).toFixed(0),
    'last ms': (lastSecondsOf(one) * 1_000).toFixed(0),
    'server CPU µs each': microsOf(cpu.server, got).toFixed(2),
    ...(proxied ? { 'HAProxy CPU µs each': microsOf(cpu.proxy, got).toFixed(2) } : {}),
  });
}

function lastSecondsOf({ got, sentAt }: Broadcast): number {
  return ((got.lastAt ?? sentAt) - sentAt) / 1_000;
}

function microsOf(cpuSeconds: number, { received }: Reception): number {
  return (cpuSeconds * 1e6) / received;
}

function isWhole({ joined, got }: Broadcast): boolean {
  return joined === got.received && flawsIn(got) === 0;
}

function flawsIn({ duplicates, gaps, corrupted, foreign }: Reception): number {
  return duplicates + gaps + corrupted + foreign;
}

/** A byte that tells the publications of a scenario apart. */
function runOf(size: number, number: number): number {
  return (size * 31 + number) & 0xff;
}
