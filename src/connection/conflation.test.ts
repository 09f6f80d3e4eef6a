import { beforeEach, describe, expect, test } from 'vitest';
import { newBroadcaster } from '../../test/support/broadcaster.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { newHub } from '../../test/support/hub.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { settled } from '../../test/support/slow-history.ts';
import { InProcessBridge } from '../bridge/in-process-bridge.ts';
import type { Hub } from '../channel/hub.ts';
import type { Room } from '../channel/room.ts';
import { Publication } from '../channel/publication.ts';
import { Metrics } from '../metrics/metrics.ts';
import { jsonCodec } from '../protocol/json-codec.ts';
import { Conflation } from './conflation.ts';
import { ConnectDeadline } from './connect-deadline.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { NativeSession } from './native-session.ts';
import { NativeState } from './native-state.ts';

const drainedBytes = 100;
const timeoutMs = 1_000;
const lookMs = 50;

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
let hub: Hub;
let session: NativeSession;
let conflation: Conflation;
/** Channels that somebody was brought back to, with the sequence of the room then. */
let back: string[];
/** What becomes of it; null for what it should. */
let resync: ((connection: Connection<NativeState>, room: Room) => boolean | Promise<boolean>) | null;

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 100, maxControlFrames: 5 }, metrics);
  back = [];
  resync = null;
  hub = newHub({ clock, metrics });
  const announcements = { join() {}, leave() {} };
  session = new NativeSession(jsonCodec, {
    broadcaster: newBroadcaster({ hub }),
    hub,
    announcements,
    bridge: new InProcessBridge(),
    recoveries: null,
    keepsHistory: () => false,
    maxRecoveryBytes: 1_000,
    maxSnapshotBytes: 1_000,
    policy: {
      maySubscribe: () => true,
      mayPublish: () => true,
      maxPayloadBytes: () => 1_000,
      keepsLatest: () => true,
    },
    deadline: new ConnectDeadline(clock, 1e9),
    clock,
    nodeId: 'node',
    bootId: 'boot',
    pingIntervalMs: 1_000,
    maxPayloadBytes: 1_000,
    maxSubscriptions: 10,
    maxSubscriptionChangesPerSecond: 1_000,
    metrics,
  });
  conflation = new Conflation({
    keepsLatest: (channel) => channel.startsWith('latest'),
    hub,
    resync: (connection, room) => (resync ?? bringBack)(connection, room),
    ...{ drainedBytes, timeoutMs, clock, metrics },
  });
});

/** As it is done for real: in one turn the state is sent and the topic joined. */
function bringBack(connection: Connection<NativeState>, room: Room): boolean {
  const { socket, state } = connection;
  if (socket === null || state.room(room.channel) !== room) return false;
  hub.flushChannel(room.channel);
  back.push(`${room.channel} ${room.sequence}`);
  hub.resume(room, session.codec, socket);
  return true;
}

function join(...channels: string[]) {
  const connection = new Connection(session, new NativeState(), connections);
  const socket = new FakeSocket(connection);
  connection.received(JSON.stringify({ type: 'connect', id: 0, version: 1 }));
  connection.received(JSON.stringify({ type: 'subscribe', id: 1, channels }));
  return { connection, socket };
}

const topics = ({ topics: joined }: FakeSocket) =>
  [...joined].map((topic) => topic.slice(topic.lastIndexOf(':') + 1));

async function look(times = 1): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    clock.advance(lookMs);
    await settled();
  }
}

describe('a slow connection', () => {
  test('is spared the channels that keep latest values, and brought back when it has drained', async () => {
    const { connection, socket } = join('latest-a', 'plain', 'latest-b');
    socket.waiting = 500;
    conflation.slow(connection);
    conflation.slow(connection);
    expect(topics(socket)).toEqual(['plain']);
    expect([metrics.conflations.value, metrics.roomsConflated.value]).toEqual([2, 2]);
    hub.broadcast('latest-a', Publication.text('x', 0));
    await look();
    expect([back, hub.subscribers('latest-a')]).toEqual([[], 1]);
    socket.waiting = drainedBytes;
    await look(2);
    expect(back).toEqual(['latest-a 1', 'latest-b 0']);
    expect(topics(socket)).toEqual(['plain', 'latest-a', 'latest-b']);
    expect([metrics.roomsConflated.value, metrics.resyncs.values.done]).toEqual([0, 2]);
    await look();
    expect(clock.timers).toBe(1); // Of the deadline of the session.
  });

  test('gets the second channel when it has taken the state of the first', async () => {
    const { connection, socket } = join('latest-a', 'latest-b');
    resync = (...which) => {
      socket.waiting = 500;
      return bringBack(...which);
    };
    conflation.slow(connection);
    await look(3);
    expect(back).toEqual(['latest-a 0']);
    // It has as long again for that.
    await look(timeoutMs / lookMs - 4);
    socket.waiting = 0;
    await look();
    expect(back).toEqual(['latest-a 0', 'latest-b 0']);
    expect(socket.terminations).toBe(0);
  });

  test('that does not drain in time is terminated', async () => {
    const { connection, socket } = join('latest-a');
    socket.waiting = drainedBytes + 1;
    conflation.slow(connection);
    await look(timeoutMs / lookMs - 1);
    conflation.slow(connection);
    expect(socket.terminations).toBe(0);
    await look();
    expect(socket.terminations).toBe(1);
    expect(metrics.connectionsClosed.values.slow_consumer).toBe(1);
    expect([metrics.roomsConflated.value, metrics.channelsOpen.value]).toEqual([0, 0]);
  });

  test('may be spared the same channel again and again', async () => {
    const { connection, socket } = join('latest-a');
    for (let times = 1; times <= 3; times += 1) {
      conflation.slow(connection);
      expect(topics(socket)).toEqual([]);
      await look();
      expect([topics(socket), back.length]).toEqual([['latest-a'], times]);
    }
    expect(metrics.conflations.value).toBe(3);
  });

  test('without such channels, or of another protocol, is left as it is', () => {
    const { connection, socket } = join('plain');
    const idle = openConnection(connections);
    conflation.slow(connection);
    conflation.slow(idle.connection);
    expect([topics(socket), metrics.conflations.value]).toEqual([['plain'], 0]);
  });
});

describe('bringing back', () => {
  test('is tried again when it is not possible, and given up in time', async () => {
    const { connection, socket } = join('latest-a', 'latest-b');
    const tried: string[] = [];
    resync = (_connection, { channel }) => {
      tried.push(channel);
      return tried.length % 2 === 0 ? false : Promise.reject(new Error('away'));
    };
    conflation.slow(connection);
    await look(3);
    expect(tried).toEqual(['latest-a', 'latest-b', 'latest-a']);
    expect(metrics.resyncs.values.failed).toBe(3);
    await look(timeoutMs / lookMs);
    expect(socket.terminations).toBe(1);
  });

  test('goes on one channel at a time, and is not given up for that it takes', async () => {
    const { connection, socket } = join('latest-a', 'latest-b');
    let finish = () => {};
    const tried: string[] = [];
    resync = async (...which) => {
      tried.push(which[1].channel);
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return bringBack(...which);
    };
    conflation.slow(connection);
    await look(3);
    expect([tried, back]).toEqual([['latest-a'], []]);
    finish();
    await look(2);
    expect(back).toEqual(['latest-a 0']);
    finish();
    await look();
    expect([back, topics(socket)]).toEqual([
      ['latest-a 0', 'latest-b 0'],
      ['latest-a', 'latest-b'],
    ]);
  });

  test('does not concern channels that it has left, nor one that has ended or is about to', async () => {
    const [left, gone, muted] = [join('latest-a', 'plain'), join('latest-a'), join('latest-a')];
    for (const { connection, socket } of [left, gone, muted]) {
      socket.waiting = 500;
      conflation.slow(connection);
    }
    left.connection.received(JSON.stringify({ type: 'unsubscribe', id: 2, channels: ['latest-a'] }));
    gone.connection.closed({ code: 1000 });
    muted.connection.mute('slow_consumer');
    for (const { socket } of [left, gone, muted]) socket.waiting = 0;
    await look(2);
    expect(back).toEqual([]);
    expect([topics(left.socket), metrics.roomsConflated.value]).toEqual([['plain'], 0]);
  });

  test('is not of too many at once', async () => {
    let under = 0;
    let most = 0;
    resync = async (...which) => {
      under += 1;
      most = Math.max(most, under);
      await new Promise((resolve) => setImmediate(resolve));
      under -= 1;
      return bringBack(...which);
    };
    const all = Array.from({ length: 50 }, () => join('latest-a'));
    for (const { connection } of all) conflation.slow(connection);
    await look(8);
    expect([back.length, most]).toEqual([50, 16]);
  });
});
