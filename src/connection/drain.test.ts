import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connections } from './connections.ts';
import { drain } from './drain.ts';

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections({ maxConnections: 40, maxControlFrames: 5 }, metrics);
});

/** Drains and lets time pass until it is done; returns how long that took. */
async function drainTime(timeoutMs: number, during: () => void = () => {}): Promise<number> {
  const startedAt = clock.now();
  let done = false;
  const drained = drain(connections, clock, timeoutMs).then(() => {
    done = true;
  });
  for (let turns = 0; turns < 1_000 && !done; turns += 1) {
    await Promise.resolve();
    await Promise.resolve();
    if (done) break;
    during();
    clock.advance(10);
  }
  await drained;
  return clock.now() - startedAt;
}

describe('draining', () => {
  test('is done at once when nobody is there', async () => {
    expect(await drainTime(5_000)).toBe(0);
  });

  test('closes everybody who reads with 1001, and lingers a little', async () => {
    const opened = Array.from({ length: 5 }, () => openConnection(connections));
    expect(await drainTime(5_000)).toBeLessThan(500);
    expect(opened.map(({ socket }) => socket.closes)).toEqual(Array(5).fill([1001]));
    expect(metrics.connectionsClosed.values.stopping).toBe(5);
  });

  test('lets a slow one take what waits for it before it is closed', async () => {
    const { socket } = openConnection(connections);
    socket.waiting = 1_000;
    const startedAt = clock.now();
    await drainTime(5_000, () => {
      if (clock.now() - startedAt < 1_000) expect(socket.closes).toEqual([]);
      else socket.waiting = 0;
    });
    expect(socket.closes).toEqual([1001]);
    expect(socket.terminations).toBe(0);
  });

  test('terminates who has not read by the deadline', async () => {
    const { socket } = openConnection(connections);
    socket.waiting = 1_000;
    const took = await drainTime(2_000);
    expect([socket.closes, socket.terminations]).toEqual([[], 1]);
    expect(took).toBeGreaterThanOrEqual(2_000);
    expect(took).toBeLessThan(2_500);
  });
});
