import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { newHub } from '../../test/support/hub.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Publication } from '../channel/publication.ts';
import { Metrics } from '../metrics/metrics.ts';
import { jsonCodec } from '../protocol/json-codec.ts';
import type { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { SlowConsumers } from './slow-consumers.ts';

const limitBytes = 8_000;
const sweepBytes = 1_000;
/** Divides by five rounds and sixteen slots, so that every moment below is a whole number. */
const timeoutMs = 8_000;
const roundMs = timeoutMs / 5;
const lingerMs = 1_000;

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
let slowConsumers: SlowConsumers;
let slow: Connection[];

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  slow = [];
  connections = new Connections('boot', { maxConnections: 100, maxControlFrames: 5 }, metrics);
  slowConsumers = new SlowConsumers({
    ...{ connections, limitBytes, timeoutMs, clock, metrics },
    onSlow: (connection) => slow.push(connection),
  });
});

function openWaiting(bytes: number) {
  const opened = openConnection(connections);
  opened.socket.waiting = bytes;
  return opened;
}

const endsOf = (...sockets: FakeSocket[]) =>
  sockets.map(({ closes, terminations }) => closes.length + terminations);

describe('a sweep', () => {
  test('comes with each eighth of the limit that may have been added, and not before', () => {
    const sweeps = () => metrics.slowConsumerSweeps.value;
    slowConsumers.suspect(sweepBytes - 1);
    expect(sweeps()).toBe(0);
    slowConsumers.suspect(1);
    expect(sweeps()).toBe(1);
    slowConsumers.suspect(sweepBytes - 1);
    expect(sweeps()).toBe(1);
    slowConsumers.suspect(1);
    expect(sweeps()).toBe(2);
  });

  test('comes once for one large publication', () => {
    slowConsumers.suspect(5 * sweepBytes);
    expect(metrics.slowConsumerSweeps.value).toBe(1);
  });

  test('cuts off whoever has seven eighths of the limit waiting, and nobody else', () => {
    const cut = openWaiting(7_000);
    const behind = openWaiting(6_999);
    const healthy = openWaiting(0);
    slowConsumers.suspect(sweepBytes);
    clock.advance(lingerMs);
    expect(endsOf(cut.socket, behind.socket, healthy.socket)).toEqual([1, 0, 0]);
    expect(metrics.connectionsClosed.values.slow_consumer).toBe(1);
    expect(connections.open).toBe(2);
  });

  test('looks at everybody, also at those behind one that it ends', () => {
    const all = Array.from({ length: 40 }, () => openWaiting(limitBytes));
    slowConsumers.suspect(sweepBytes);
    clock.advance(lingerMs);
    expect(all.every(({ socket }) => socket.terminations === 1)).toBe(true);
  });

  test('does nothing to slow peers before its time', () => {
    const { socket } = openWaiting(limitBytes);
    slowConsumers.suspect(sweepBytes - 1);
    clock.advance(lingerMs);
    expect(socket.terminations).toBe(0);
  });

  test('does not count what was owed to a connection, until it has been taken', () => {
    const { connection, socket } = openWaiting(9_000);
    connection.owedBytes = 9_000;
    slowConsumers.suspect(sweepBytes);
    socket.waiting = 15_000;
    slowConsumers.suspect(sweepBytes);
    expect([slow, connection.congested]).toEqual([[connection], true]);
    socket.waiting = 4_000;
    slowConsumers.suspect(sweepBytes);
    socket.waiting = 11_000;
    slowConsumers.suspect(sweepBytes);
    clock.advance(lingerMs);
    expect(socket.terminations).toBe(1);
  });

  test('reports who is slow and not to be cut off yet', () => {
    openWaiting(1_999);
    const { connection } = openWaiting(2_000);
    openWaiting(7_000);
    slowConsumers.suspect(sweepBytes);
    expect(slow).toEqual([connection]);
  });
});

describe('who was cut off', () => {
  test('is closed with a code as soon as he has taken what waits', () => {
    const { socket } = openWaiting(limitBytes);
    slowConsumers.suspect(sweepBytes);
    clock.advance(lingerMs / 2);
    expect(endsOf(socket)).toEqual([0]);
    socket.waiting = 0;
    clock.advance(50);
    expect(socket).toMatchObject({ closes: [4001], terminations: 0 });
    expect(metrics.connectionsClosed.values.slow_consumer).toBe(1);
  });

  test('is terminated when he does not, and forgotten when he goes', () => {
    const [stuck, gone] = [openWaiting(limitBytes), openWaiting(limitBytes)];
    slowConsumers.suspect(sweepBytes);
    gone.connection.closed({ code: 1000 });
    clock.advance(lingerMs - 50);
    expect(endsOf(stuck.socket)).toEqual([0]);
    clock.advance(50);
    expect(stuck.socket).toMatchObject({ closes: [], terminations: 1 });
    expect(gone.socket.terminations).toBe(0);
    expect(metrics.connectionsClosed.values.slow_consumer).toBe(2);
    clock.advance(2 * roundMs);
    expect(clock.timers).toBe(0);
  });
});

describe('in time', () => {
  test('bytes that wait and never become fewer end a connection, however few they are', () => {
    const { socket } = openWaiting(1);
    slowConsumers.suspect(1);
    clock.advance(timeoutMs);
    expect(endsOf(socket)).toEqual([0]);
    clock.advance(2 * roundMs);
    expect(socket.terminations).toBe(1);
    expect(metrics.connectionsClosed.values.slow_consumer).toBe(1);
  });

  test('also when more come all the time', () => {
    const { socket } = openWaiting(1);
    for (let elapsed = 0; elapsed < timeoutMs + 2 * roundMs; elapsed += 100) {
      socket.waiting += 1;
      slowConsumers.suspect(1);
      clock.advance(100);
    }
    expect(socket.terminations).toBe(1);
  });

  test('who takes something now and then stays', () => {
    const { socket } = openWaiting(4_000);
    for (let elapsed = 0; elapsed < 10 * timeoutMs; elapsed += roundMs) {
      slowConsumers.suspect(1);
      clock.advance(roundMs);
      socket.waiting += elapsed % (4 * roundMs) === 0 ? -30 : 10;
    }
    expect(endsOf(socket)).toEqual([0]);
    expect(slow.length).toBeGreaterThan(0);
  });

  test('visits are made while somebody is behind, and not longer', () => {
    const { connection, socket } = openWaiting(10);
    expect(clock.timers).toBe(0);
    slowConsumers.suspect(1);
    clock.advance(2 * roundMs);
    expect([clock.timers, slow]).toEqual([1, [connection]]);
    socket.waiting = 0;
    clock.advance(2 * roundMs);
    expect(clock.timers).toBe(0);
    expect(connection.congested).toBe(false);
  });

  test('one that goes by itself is forgotten', () => {
    const { connection } = openWaiting(10);
    slowConsumers.suspect(1);
    clock.advance(2 * roundMs);
    connection.closed({ code: 1000 });
    clock.advance(2 * roundMs);
    expect(clock.timers).toBe(0);
  });
});

describe('congestion', () => {
  test('is remembered as the reason if the transport ends the connection first', () => {
    const { connection } = openWaiting(1);
    slowConsumers.suspect(sweepBytes);
    connection.closed({ code: 1006 });
    expect(metrics.connectionsClosed.values).toMatchObject({ slow_consumer: 1, abnormal: 0 });
  });

  test('is forgotten once all has drained', () => {
    const { connection, socket } = openWaiting(1);
    slowConsumers.suspect(sweepBytes);
    socket.waiting = 0;
    slowConsumers.suspect(sweepBytes);
    connection.closed({ code: 1006 });
    expect(metrics.connectionsClosed.values).toMatchObject({ slow_consumer: 0, abnormal: 1 });
  });
});

test('who goes while a room is sent to costs the others of the room nothing', () => {
  const leaving = new FakeSocket();
  const published: string[] = [];
  const hub = newHub({
    publishToTopic(topic) {
      published.push(topic);
      return 'buffered';
    },
    // The last raw member goes.
    onPressure: () => hub.leave(room, null, null),
    clock,
    metrics,
  });
  const room = hub.join('a', null, leaving);
  hub.join('a', jsonCodec, new FakeSocket());
  hub.broadcast('a', Publication.text('x', 0));
  hub.flush();
  expect(published).toEqual(['raw:a', 'outcry.v1.json:a']);
});

test('shedding ends those who are furthest behind, until enough is free, and nobody who reads', () => {
  const sockets = [500, 0, 3_000, 2_000].map((bytes) => openWaiting(bytes).socket);
  slowConsumers.shed(4_000);
  expect(endsOf(...sockets)).toEqual([0, 0, 1, 1]);
  expect(metrics.connectionsClosed.values.memory).toBe(2);
  slowConsumers.shed(1_000_000);
  expect(endsOf(...sockets)).toEqual([1, 0, 1, 1]);
});
