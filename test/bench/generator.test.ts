/**
 * The load generator against servers that do one thing wrong: a measurement that cannot see a fault measures nothing.
 * Its real processes run, over real sockets.
 */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Load, Measurement, Pids } from '../../bench/generator/generator.ts';
import { findBun } from '../../bin/find-bun.mjs';
import { delayMs, type Fault, type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { Lanes } from '../support/lanes.ts';
import { endsWithUs } from '../support/leftovers.ts';

const host = fileURLToPath(new URL('generator-host.ts', import.meta.url));
const subscribers = 4;
const records = 50;
const clean = {
  duplicates: 0,
  reordered: 0,
  corrupted: 0,
  gaps: 0,
  tail: 0,
  early: 0,
  stale: 0,
  overflowed: false,
};
const all = subscribers * records;

/** Each runs four processes, which mostly wait. */
const lanes = new Lanes(4);

interface Generating {
  /** Resolves when everybody is connected. */
  pids: Promise<Pids>;
  measurement: Promise<Measurement>;
}

function generate(server: FaultyServer, load: Partial<Load> = {}): Generating {
  const target = { host: '127.0.0.1', port: server.port, dialect: 'raw' } as const;
  const whole: Load = {
    subscribeTo: [{ ...target, path: '/subscribe' }],
    publishTo: { ...target, path: '/publish' },
    receivers: subscribers,
    processes: 2,
    rate: 200,
    seconds: records / 200,
    recordBytes: 100,
    ...load,
  };
  const child = spawn(findBun() as string, ['--no-env-file', host, JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endsWithUs(child);
  const said = new EventEmitter();
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const [what, value] of Object.entries(JSON.parse(line))) said.emit(what, value);
  });
  child.once('exit', (code) => {
    if (code !== 0) said.emit('error', new Error(`the generator ended with ${code}`));
  });
  const pids = once(said, 'pids').then(([value]) => value as Pids);
  pids.catch(() => {}); // Not every test asks for them; the measurement fails as well.
  return { pids, measurement: once(said, 'measurement').then(([value]) => value as Measurement) };
}

async function withServer<T>(
  measure: (server: FaultyServer) => Promise<T>,
  fault: Fault | null = null,
  perFrame?: number,
): Promise<T> {
  const server = await startFaultyServer(fault, perFrame);
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}

async function measured(fault: Fault | null, perFrame?: number, load?: Partial<Load>): Promise<Measurement> {
  return await lanes.run(
    async () => await withServer((server) => generate(server, load).measurement, fault, perFrame),
  );
}

describe.concurrent('the generator', () => {
  test('accounts for every delivery of a server without a fault', async () => {
    const { counts, expected, published, verdict } = await measured(null);
    expect(counts).toEqual({ ...clean, deliveries: all });
    expect({ expected, published }).toEqual({ expected: all, published: records });
    expect(verdict.status).not.toBe('invalid');
  });

  test('finds one lost record', async () => {
    const { counts, verdict } = await measured({ kind: 'drop', message: 20 });
    expect(counts).toEqual({ ...clean, deliveries: all - 1, gaps: 1 });
    expect(verdict.status).toBe('invalid');
    expect(verdict.reservations).toContain(`1 of ${all} lost`);
  });

  test('finds the loss of the very last record', async () => {
    const { counts, verdict } = await measured({ kind: 'drop', message: records - 1 });
    expect(counts).toEqual({ ...clean, deliveries: all - 1, tail: 1 });
    expect(verdict.status).toBe('invalid');
  });

  test('finds one duplicate', async () => {
    const { counts, verdict } = await measured({ kind: 'duplicate', message: 20 });
    expect(counts).toEqual({ ...clean, deliveries: all + 1, duplicates: 1 });
    expect(verdict.status).toBe('invalid');
  });

  test('finds one swap', async () => {
    const { counts, verdict } = await measured({ kind: 'swap', message: 20 });
    expect(counts).toEqual({ ...clean, deliveries: all, reordered: 1 });
    expect(verdict.status).toBe('invalid');
  });

  test('finds one flipped bit', async () => {
    const { counts, verdict } = await measured({ kind: 'damage', message: 20 });
    expect(counts).toEqual({ ...clean, deliveries: all - 1, corrupted: 1, gaps: 1 });
    expect(verdict.status).toBe('invalid');
  });

  test('finds one delayed record', async () => {
    const { counts, latency } = await measured({ kind: 'delay', message: records - 1 });
    expect(counts).toEqual({ ...clean, deliveries: all });
    expect(latency.max).toBeGreaterThanOrEqual(delayMs - 1);
    expect(latency.p50).toBeLessThan(delayMs);
  });

  test('finds a subscriber that was cut off', async () => {
    const { closed, verdict } = await measured({ kind: 'cut off', message: 20 });
    expect(closed).toBe(1);
    expect(verdict.status).toBe('invalid');
  });

  test('counts every record of messages that hold several', async () => {
    const { counts } = await measured(null, 5);
    expect(counts).toEqual({ ...clean, deliveries: all });
  });

  test('leaves a warm-up out of the accounts', async () => {
    const { counts } = await measured({ kind: 'drop', message: 10 }, 1, { warmUpSeconds: 0.1 });
    expect(counts).toEqual({ ...clean, deliveries: all });
  });
});

describe('a generator that stood still', () => {
  test('says so when it was the publisher, and does not take the wait off the latencies', async () => {
    const { latency, scheduleLag, verdict } = await standingStill(({ publisher }) => publisher);
    expect(scheduleLag.max).toBeGreaterThanOrEqual(delayMs / 2);
    expect(latency.max).toBeGreaterThanOrEqual(scheduleLag.max / 2);
    expect(verdict.status).toBe('generator-bound');
    expect(verdict.reservations.join()).toContain('schedule lag');
  });

  test('says so when it was a receiver', async () => {
    const { longestStallMs, verdict } = await standingStill(({ receivers }) => receivers[0] as number);
    expect(longestStallMs).toBeGreaterThanOrEqual(delayMs / 2);
    expect(verdict.status).toBe('generator-bound');
    expect(verdict.reservations.join()).toContain('stood still');
  });

  /** Stops a process of the generator in the middle of a run, and lets it go on. */
  async function standingStill(which: (pids: Pids) => number): Promise<Measurement> {
    return await withServer(async (server) => {
      const middle = server.untilPublished(records / 2);
      const generating = generate(server);
      const pid = which(await generating.pids);
      await middle;
      process.kill(pid, 'SIGSTOP');
      setTimeout(() => process.kill(pid, 'SIGCONT'), delayMs);
      return await generating.measurement;
    });
  }
});
