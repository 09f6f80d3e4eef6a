import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connections } from './connections.ts';
import { drain } from './drain.ts';

/** No multiple of the pause between two looks. */
const timeoutMs = 1_030;
/** What the last close frames get to arrive. */
const lingerMs = 200;

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
/** Whether everything has been closed and had its time. */
let done: boolean;

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 100, maxControlFrames: 5 }, metrics);
  done = false;
});

async function begin(timeout = timeoutMs): Promise<void> {
  void drain(connections, clock, timeout).then(() => {
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
});
