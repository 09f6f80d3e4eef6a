import { beforeEach, describe, expect, test } from 'vitest';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connections } from './connections.ts';
import { SlowConsumers } from './slow-consumers.ts';

const limitBytes = 8_000;
const sweepBytes = 1_000;

let metrics: Metrics;
let connections: Connections;
let slowConsumers: SlowConsumers;

beforeEach(() => {
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 100, maxControlFrames: 5 }, metrics);
  slowConsumers = new SlowConsumers(connections, limitBytes, metrics);
});

function openWaiting(bytes: number) {
  const opened = openConnection(connections);
  opened.socket.waiting = bytes;
  return opened;
}

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

  test('terminates whoever has seven eighths of the limit waiting, and nobody else', () => {
    const slow = openWaiting(7_000);
    const behind = openWaiting(6_999);
    const healthy = openWaiting(0);
    slowConsumers.suspect(sweepBytes);
    expect([slow, behind, healthy].map(({ socket }) => socket.terminations)).toEqual([1, 0, 0]);
    expect(metrics.connectionsClosed.values.slow_consumer).toBe(1);
    expect(connections.open).toBe(2);
  });

  test('looks at everybody, also at those behind one that it ends', () => {
    const all = Array.from({ length: 40 }, () => openWaiting(limitBytes));
    slowConsumers.suspect(sweepBytes);
    expect(all.every(({ socket }) => socket.terminations === 1)).toBe(true);
  });

  test('does nothing to slow peers before its time', () => {
    const { socket } = openWaiting(limitBytes);
    slowConsumers.suspect(sweepBytes - 1);
    expect(socket.terminations).toBe(0);
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
