import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { newHub } from '../../test/support/hub.ts';
import { settled } from '../../test/support/slow-history.ts';
import type { Hub } from '../channel/hub.ts';
import { Publication } from '../channel/publication.ts';
import { Recoveries } from '../channel/recoveries.ts';
import { SequencedRooms } from '../channel/sequenced-rooms.ts';
import { MemoryHistory } from '../history/memory-history.ts';
import { Metrics } from '../metrics/metrics.ts';
import { jsonCodec } from '../protocol/json-codec.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { Joining } from './joining.ts';
import { NativeState } from './native-state.ts';

const channel = 'a';

let clock: FakeClock;
let metrics: Metrics;
let history: MemoryHistory;
let hub: Hub;
let joining: Joining;
let peers: Peer[];

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  peers = [];
  let rooms: SequencedRooms | null = null;
  hub = newHub({
    publishToTopic(topic, payload) {
      for (const { socket } of peers) if (socket.topics.has(topic)) socket.send(payload);
      return 'sent';
    },
    watch: { opened: (opened) => rooms?.opened(opened), closed: (closed) => rooms?.closed(closed) },
    clock,
    metrics,
  });
  const common = {
    retention: () => ({ size: 0, ttlMs: 60_000, latest: { maxKeys: 100, maxBytes: 1e6 } }),
    clock,
    metrics: metrics.history,
  };
  history = new MemoryHistory({ ...common, maxBytes: 1e9, maxChannels: 10, maxIdempotencyKeys: 10 });
  onTestFinished(() => history.stop());
  rooms = new SequencedRooms({
    ...common,
    ...{
      history,
      hub,
      latestMetrics: metrics.latest,
      reaches: () => true,
      maxTailBytes: 1e6,
      maxTailBytesTogether: 1e9,
    },
  });
  const bridge = { prepare: () => true, reaches: () => true };
  const recoveries = new Recoveries({
    sparesReads: () => false,
    ...common,
    ...{ rooms, bridge, history, maxPublications: 1_000, maxBytes: 1e6 },
    ...{ maxReading: 4, maxWaiting: 100, timeoutMs: 5_000 },
  });
  joining = new Joining(jsonCodec, {
    ...{ hub, bridge, recoveries, keepsHistory: () => true, metrics },
    ...{ maxRecoveryBytes: 1_000, maxSnapshotBytes: 1_000 },
  });
});

const protocol = { ping() {}, opened() {}, received() {}, closed() {}, mute() {} };

class Peer {
  readonly state = new NativeState();
  readonly connection = new Connection(
    protocol,
    this.state,
    new Connections('boot', { maxConnections: 10, maxControlFrames: 5 }, metrics),
  );
  readonly socket = new FakeSocket(this.connection);

  constructor() {
    peers.push(this);
  }

  static async joined(): Promise<Peer> {
    const peer = new Peer();
    await peer.join();
    return peer;
  }

  async join(): Promise<void> {
    this.state.joining ??= new Set([channel]);
    joining.join(this.connection, 2, new Map([[channel, { channel, since: null, last: null }]]), []);
    await settled();
  }

  /** What it has been sent since it was asked last. */
  hears(): unknown[] {
    return this.socket.sent.splice(0).map((frame) => JSON.parse(String(frame)));
  }
}

async function set(key: string, text: string): Promise<void> {
  await history.append(channel, [Publication.text(text, 0).withKey(key)]);
}

function flush(): void {
  clock.endTurn();
  clock.endTurn();
}

const batch = (sequence: number, offset: number | undefined, ...publications: unknown[]) => ({
  ...{ type: 'batch', channel, sequence, time: 0, publications },
  ...(offset === undefined ? {} : { offset }),
});

describe('a member that was too slow', () => {
  test('is given the values in one turn, and hears what comes behind them', async () => {
    const [fast, slow] = [await Peer.joined(), await Peer.joined()];
    await set('a', '1');
    flush();
    fast.hears();
    slow.hears();
    const room = slow.state.room(channel);
    if (room === null) throw new Error('it has no room');
    hub.pause(room, jsonCodec, slow.socket);
    await set('a', '2');
    await set('b', '3');
    flush();
    expect([fast.hears().length, slow.hears()]).toEqual([1, []]);
    expect(hub.subscribers(channel)).toBe(2);
    await set('c', '4');
    expect(await joining.bringBack(slow.connection, room)).toBe('sent');
    await set('d', '5');
    flush();
    const [snapshot, ...rest] = slow.hears();
    expect(snapshot).toEqual({
      ...{ type: 'snapshot', channel, reason: 'conflated', sequence: 4 },
      ...{ epoch: expect.any(String), offset: 4, count: 3 },
    });
    expect(rest).toEqual([
      batch(0, undefined, { key: 'a', text: '2' }, { key: 'b', text: '3' }, { key: 'c', text: '4' }),
      batch(5, 5, { key: 'd', text: '5' }),
    ]);
    expect(fast.hears()).toEqual([
      batch(4, 4, { key: 'c', text: '4' }),
      batch(5, 5, { key: 'd', text: '5' }),
    ]);
    expect(metrics.latest.snapshotsSent.values).toMatchObject({ subscribed: 2, conflated: 1 });
  });

  test('is not brought back to what it has left, nor with more than may wait for it', async () => {
    const peer = await Peer.joined();
    await set('a', 'x'.repeat(900));
    flush();
    const room = peer.state.room(channel);
    if (room === null) throw new Error('it has no room');
    hub.pause(room, jsonCodec, peer.socket);
    peer.hears();
    peer.socket.waiting = 200;
    expect(await joining.bringBack(peer.connection, room)).toBe('too_much');
    expect([peer.hears(), peer.socket.topics.size]).toEqual([[], 0]);
    peer.state.forget(room);
    expect(await joining.bringBack(peer.connection, room)).toBe('gone');
    expect(metrics.latest.snapshotsRefused.values.too_much).toBe(1);
  });

  test('is not brought back when it was cut off while its values were read', async () => {
    const peer = await Peer.joined();
    const room = peer.state.room(channel);
    if (room === null) throw new Error('it has no room');
    hub.pause(room, jsonCodec, peer.socket);
    peer.hears();
    const back = joining.bringBack(peer.connection, room);
    peer.connection.mute('slow_consumer');
    expect(await back).toBe('gone');
    expect([peer.hears(), peer.socket.topics.size]).toEqual([[], 0]);
  });
});

describe('somebody who joins', () => {
  test('is refused when the values are more than may be sent to him, and may try again', async () => {
    await set('a', 'x'.repeat(900));
    const peer = new Peer();
    peer.socket.waiting = 200;
    await peer.join();
    expect(peer.hears()).toEqual([
      {
        ...{ type: 'subscribed', id: 2, channels: [] },
        refused: [{ channel, code: 200, message: expect.any(String) }],
      },
    ]);
    expect([hub.subscribers(channel), peer.socket.topics.size, peer.state.size]).toEqual([0, 0, 0]);
    expect(metrics.errorsSent.values.unavailable).toBe(1);
    peer.socket.waiting = 0;
    peer.state.joining = new Set([channel]);
    await peer.join();
    expect(peer.hears()).toMatchObject([{ channels: [{ snapshot: 1 }] }, { sequence: 0 }]);
  });

  test('gets what others have been told just before not twice', async () => {
    const first = await Peer.joined();
    await set('a', '1');
    const second = await Peer.joined();
    flush();
    expect(first.hears().at(-1)).toEqual(batch(1, 1, { key: 'a', text: '1' }));
    expect(second.hears()).toMatchObject([
      { channels: [{ sequence: 1, offset: 1, snapshot: 1 }] },
      { sequence: 0, publications: [{ key: 'a' }] },
    ]);
  });
});
