import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connections } from './connections.ts';
import { Liveness } from './liveness.ts';

/** Divides by three visits and sixteen slots, so that every moment below is a whole number. */
const idleTimeoutMs = 48_000;
const periodMs = idleTimeoutMs / 3;
const tickMs = periodMs / 16;

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
let liveness: Liveness;
/** Visits of a connection for which bytes wait. */
let waitings: number;

beforeEach(() => {
  waitings = 0;
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 1_000, maxControlFrames: 3 }, metrics);
  liveness = new Liveness(connections, clock, idleTimeoutMs, () => {
    waitings += 1;
  });
});

function open(count: number) {
  return Array.from({ length: count }, () => openConnection(connections));
}

test('a visit says that bytes wait for somebody', () => {
  const { socket } = openConnection(connections);
  clock.advance(periodMs);
  expect(waitings).toBe(0);
  socket.waiting = 1;
  clock.advance(periodMs);
  expect(waitings).toBe(1);
});

describe('a peer that lives', () => {
  test('is pinged every other visit while it only listens, and stays for ever', () => {
    const { socket } = openConnection(connections);
    clock.advance(100 * periodMs);
    expect(socket.pings).toBe(50);
    expect(socket.terminations).toBe(0);
  });

  test('is not pinged while it speaks', () => {
    const { connection, socket } = openConnection(connections);
    for (let visit = 0; visit < 30; visit += 1) {
      connection.received('hi');
      clock.advance(periodMs);
    }
    expect(socket.pings).toBe(0);
  });

  test('stays when its answer comes just before the verdict', () => {
    const { connection, socket } = openConnection(connections);
    socket.alive = false;
    clock.advance(2 * periodMs);
    expect(socket.pings).toBe(1);
    clock.advance(tickMs - 1);
    connection.controlFrame();
    clock.advance(periodMs);
    expect(socket.terminations).toBe(0);
  });

  test('is not kept by what we send', () => {
    const { connection, socket } = openConnection(connections);
    socket.alive = false;
    for (let sent = 0; sent < 48; sent += 1) {
      connection.socket?.send('hi');
      clock.advance(tickMs);
    }
    expect(socket.terminations).toBe(1);
  });

  test('may send as many control frames in each period as the cap allows', () => {
    const { connection, socket } = openConnection(connections);
    for (let visit = 0; visit < 5; visit += 1) {
      for (let frame = 0; frame < 3; frame += 1) connection.controlFrame();
      clock.advance(periodMs);
    }
    expect(socket.closes).toEqual([]);
    for (let frame = 0; frame < 4; frame += 1) connection.controlFrame();
    expect(socket.closes).toEqual([1008]);
  });
});

describe('a peer that died', () => {
  test('is terminated within one idle timeout, whatever the moment, and not before two thirds of it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 0, max: 3 * idleTimeoutMs }),
        (others, diedAfterMs) => {
          clock = new FakeClock();
          connections = new Connections(
            'boot',
            { maxConnections: 1_000, maxControlFrames: 3 },
            new Metrics(),
          );
          liveness = new Liveness(connections, clock, idleTimeoutMs, () => {});
          const neighbours = open(others);
          const { connection, socket } = openConnection(connections);
          clock.advance(diedAfterMs);
          connection.received('the last that was heard');
          socket.alive = false;
          clock.advance((idleTimeoutMs * 2) / 3 - 1);
          expect(socket.terminations).toBe(0);
          clock.advance(idleTimeoutMs / 3 + 1);
          expect(socket.terminations).toBe(1);
          expect(neighbours.filter((neighbour) => neighbour.socket.terminations > 0)).toEqual([]);
        },
      ),
    );
  });

  test('before it ever spoke is found as well', () => {
    const { socket } = openConnection(connections);
    socket.alive = false;
    clock.advance(idleTimeoutMs);
    expect(socket.terminations).toBe(1);
  });

  test('is pinged once before it is given up, and counted as what it was', () => {
    const { socket } = openConnection(connections);
    socket.alive = false;
    clock.advance(3 * idleTimeoutMs);
    expect([socket.pings, socket.terminations]).toEqual([1, 1]);
    expect(metrics.connectionsClosed.values.liveness_timeout).toBe(1);
    expect(connections.open).toBe(0);
  });
});

describe('a process that stood still', () => {
  /** Everybody is pinged, their answers lie unread, and the process stops. */
  function pingAll() {
    const opened = open(32);
    for (const { socket } of opened) socket.alive = false;
    clock.advance(2 * periodMs);
    expect(opened.every(({ socket }) => socket.pings === 1)).toBe(true);
    return opened;
  }

  test('gives everybody another period, however long it stood', () => {
    const opened = pingAll();
    clock.stall(10 * idleTimeoutMs);
    clock.advance(periodMs - 2 * tickMs);
    expect(opened.filter(({ socket }) => socket.terminations > 0)).toEqual([]);
    for (const { connection } of opened) connection.controlFrame(); // The pongs are read at last.
    clock.advance(2 * periodMs - tickMs);
    expect(connections.open).toBe(32);
  });

  test('gives up those that did not answer in that period either', () => {
    const opened = pingAll();
    clock.stall(periodMs);
    clock.advance(2 * periodMs);
    expect(opened.every(({ socket }) => socket.terminations === 1)).toBe(true);
  });

  test('begins the period anew when it stands still again', () => {
    pingAll();
    clock.stall(periodMs);
    clock.advance(periodMs / 2);
    clock.stall(periodMs);
    clock.advance(periodMs - 2 * tickMs);
    expect(connections.open).toBe(32);
  });

  test('gives nothing for a pause that leaves time to answer', () => {
    pingAll();
    clock.stall(periodMs / 2);
    clock.advance(periodMs);
    expect(connections.open).toBe(0);
  });
});

describe('the work', () => {
  test('is that of one timer, however many are connected', () => {
    open(500);
    clock.advance(idleTimeoutMs);
    expect(clock.timers).toBe(1);
  });

  test('is spread over the ticks of a period', () => {
    const opened = open(64);
    clock.advance(periodMs);
    const pings = () => opened.reduce((sum, { socket }) => sum + socket.pings, 0);
    for (let tick = 1; tick <= 16; tick += 1) {
      clock.advance(tickMs);
      expect(pings()).toBe(4 * tick);
    }
  });

  test('ends with stop', () => {
    const { socket } = openConnection(connections);
    liveness.stop();
    clock.advance(10 * idleTimeoutMs);
    expect([clock.timers, socket.pings, socket.terminations]).toEqual([0, 0, 0]);
  });
});
