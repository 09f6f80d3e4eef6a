import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { Metrics } from '../metrics/metrics.ts';
import { ConnectDeadline } from './connect-deadline.ts';
import { Connection, type Protocol } from './connection.ts';
import { Connections } from './connections.ts';
import { NativeState } from './native-state.ts';

let clock: FakeClock;
let deadline: ConnectDeadline;
let metrics: Metrics;
let connections: Connections;

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 10, maxControlFrames: 5 }, metrics);
  deadline = new ConnectDeadline(clock, 10_000);
});

function open() {
  const protocol: Protocol<NativeState> = {
    opened: (connection) => deadline.watch(connection),
    ping() {},
    received() {},
    mute() {},
    closed() {},
  };
  const connection = new Connection(protocol, new NativeState(), connections);
  return { connection, socket: new FakeSocket(connection) };
}

test('a connection that never connects is closed when its time is up, and no sooner', () => {
  const { socket } = open();
  clock.advance(9_999);
  expect(socket.closes).toEqual([]);
  clock.advance(1);
  expect(socket.closes).toEqual([4501]);
  expect(metrics.connectionsClosed.values.connect_timeout).toBe(1);
});

test('one that connects in time stays', () => {
  const { connection, socket } = open();
  connection.state.connected = true;
  clock.advance(60_000);
  expect(socket.closes).toEqual([]);
});

test('each has its own time', () => {
  const first = open();
  clock.advance(6_000);
  const second = open();
  clock.advance(4_000);
  expect([first.socket.closes, second.socket.closes]).toEqual([[4501], []]);
  clock.advance(6_000);
  expect(second.socket.closes).toEqual([4501]);
});

test('no timer runs while nobody waits', () => {
  open();
  clock.advance(20_000);
  expect(clock.timers).toBe(0);
});

test('one that is gone already costs nothing', () => {
  const { connection } = open();
  connection.closed({ code: 1006 });
  clock.advance(20_000);
  expect(metrics.connectionsClosed.values.connect_timeout).toBe(0);
});
