import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connections } from './connections.ts';
import { drain, type Wave } from './drain.ts';

/** No multiple of the pause between two looks. */
const timeoutMs = 1_030;
/** What the last close frames get to arrive. */
const lingerMs = 200;

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
/** Whether everything has been closed and had its time. */
let done: boolean;
let waves: Wave[];

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 100, maxControlFrames: 5 }, metrics);
  done = false;
  waves = [];
});

async function begin(timeout = timeoutMs, windowMs = 0): Promise<void> {
  void drain({
    connections,
    windowMs,
    timeoutMs: timeout,
    comeBackPerSecond: 100,
    clock,
    random: seeded(),
    metrics,
    onWave: (wave) => waves.push(wave),
  }).then(() => {
    done = true;
  });
  await turnOfTheLoop();
}

/** Lets time pass in small steps, so that what waits for a moment goes on at that moment. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10) {
    clock.advance(Math.min(10, ms - passed));
    await turnOfTheLoop();
  }
}

/** The same numbers in each run (Park and Miller). */
function seeded(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function open(waiting = 0) {
  const opened = openConnection(connections);
  opened.socket.waiting = waiting;
  return opened;
}

describe('draining', () => {
  test('is done at once when nobody is there', async () => {
    await begin();
    expect([done, clock.timers]).toEqual([true, 0]);
  });

  test('closes everybody who reads at once with 1001', async () => {
    const opened = Array.from({ length: 20 }, () => open());
    await begin();
    expect(opened.map(({ socket }) => socket.closes)).toEqual(Array(20).fill([1001]));
    expect(metrics.connectionsClosed.values.stopping).toBe(20);
  });

  test('gives the last close frames time to arrive, and no more', async () => {
    open();
    await begin();
    await pass(lingerMs - 10);
    expect(done).toBe(false);
    await pass(10 + 50);
    expect([done, clock.timers]).toEqual([true, 0]);
  });

  test('lets a slow peer take what waits for it before it closes it', async () => {
    const { socket } = open(1);
    await begin();
    await pass(timeoutMs / 2);
    expect([socket.closes, socket.terminations, done]).toEqual([[], 0, false]);
    socket.waiting = 0;
    await pass(50);
    expect([socket.closes, socket.terminations]).toEqual([[1001], 0]);
    await pass(lingerMs);
    expect(done).toBe(true);
  });

  test('terminates at the deadline who still has not, and not before', async () => {
    const { socket } = open(1);
    await begin();
    await pass(timeoutMs - 10);
    expect(socket.terminations).toBe(0);
    await pass(10);
    expect([socket.closes, socket.terminations]).toEqual([[], 1]);
    expect(metrics.connectionsClosed.values).toMatchObject({ stopping: 1, slow_consumer: 0 });
    await pass(lingerMs);
    expect(done).toBe(true);
  });

  test('sends one close frame to a peer that never answers it, and terminates it at the deadline', async () => {
    const { socket } = open();
    socket.alive = false;
    await begin();
    await pass(timeoutMs);
    expect([socket.closes, socket.terminations]).toEqual([[1001], 1]);
    expect(connections.open).toBe(0);
  });

  test('waits for nobody when it gets no time', async () => {
    const [reading, slow] = [open(), open(1)];
    await begin(0);
    await pass(1);
    expect([reading.socket.closes, slow.socket.terminations, done]).toEqual([[1001], 1, true]);
  });

  test('tells each its own time to come back, so many in a second as may come', async () => {
    const opened = Array.from({ length: 1_000 }, () => open());
    await begin();
    const times = opened.map(({ socket }) => JSON.parse(socket.reasons[0] ?? '').retryAfterMs);
    for (let second = 0; second < 10; second += 1) {
      const back = times.filter((ms) => Math.floor(ms / 1_000) === second).length;
      expect(back, `second ${second}`).toBeGreaterThan(60);
      expect(back, `second ${second}`).toBeLessThan(140);
    }
    expect(Math.max(...times)).toBeLessThan(10_000);
    expect(waves).toEqual([{ wave: 1, waves: 1, closed: 1_000, open: 0, behind: 0 }]);
  });
});

describe('draining over a window', () => {
  const windowMs = 2_000;

  test('closes evenly, and not in the order in which they came', async () => {
    const opened = Array.from({ length: 400 }, () => open());
    await begin(timeoutMs, windowMs);
    const before: number[] = [];
    for (let passed = 0; passed < windowMs; passed += 100) {
      before.push(metrics.connectionsClosed.values.stopping);
      await pass(100);
    }
    const perStep = before.slice(1).map((count, at) => count - (before[at] as number));
    expect(Math.max(...perStep)).toBeLessThanOrEqual(30); // 1.5 × 400 / 20
    expect(Math.min(...perStep)).toBeGreaterThanOrEqual(10);
    await pass(100);
    expect([connections.open, waves.length, metrics.drainWaves.value]).toEqual([0, 10, 10]);
    expect(waves.reduce((sum, { closed }) => sum + closed, 0)).toBe(400);
    expect(waves.at(-1)).toMatchObject({ wave: 10, waves: 10, open: 0 });
    await pass(lingerMs);
    expect(done).toBe(true);
    expect(opened.every(({ socket }) => socket.closes[0] === 1001)).toBe(true);
  });

  test('takes them in random order', async () => {
    const opened = Array.from({ length: 400 }, () => open());
    await begin(timeoutMs, windowMs);
    await pass(windowMs / 2);
    const closedOf = (part: typeof opened) => part.filter(({ socket }) => socket.closes.length > 0).length;
    expect(closedOf(opened.slice(0, 200))).toBeGreaterThan(70);
    expect(closedOf(opened.slice(200))).toBeGreaterThan(70);
  });

  test('makes up for no pause of the process by a burst', async () => {
    Array.from({ length: 400 }, () => open());
    await begin(timeoutMs, windowMs);
    clock.advance(1_000); // In one turn.
    await turnOfTheLoop();
    const before = metrics.connectionsClosed.values.stopping;
    await pass(100);
    expect(metrics.connectionsClosed.values.stopping - before).toBeLessThanOrEqual(60);
  });

  test('lets those behind take their time, says so, and closes who came late', async () => {
    const slow = open(1);
    Array.from({ length: 20 }, () => open());
    await begin(timeoutMs, windowMs);
    await pass(windowMs / 2);
    const late = open();
    await pass(windowMs / 2);
    expect(late.socket.closes).toEqual([1001]);
    expect(waves.at(-1)).toMatchObject({ open: 1, behind: 1 });
    expect(metrics.drainBehind.value).toBe(1);
    slow.socket.waiting = 0;
    await pass(50);
    expect([slow.socket.closes, metrics.drainBehind.value]).toEqual([[1001], 0]);
    await pass(lingerMs);
    expect(done).toBe(true);
  });

  test('ends before its window when nobody is left', async () => {
    const { connection } = open();
    await begin(timeoutMs, 600_000);
    connection.closed({ code: 1000 });
    await pass(50 + lingerMs);
    expect(done).toBe(true);
  });
});
