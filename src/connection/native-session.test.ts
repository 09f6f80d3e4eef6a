import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { newHub } from '../../test/support/hub.ts';
import type { BridgeState, Outcome } from '../bridge/bridge.ts';
import type { Hub } from '../channel/hub.ts';
import { Publication } from '../channel/publication.ts';
import type { Appended } from '../history/history.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import { Malformed } from '../protocol/malformed.ts';
import type { Command, Reply } from '../protocol/messages.ts';
import type { Socket } from '../transport/transport.ts';
import { ConnectDeadline } from './connect-deadline.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { NativeSession } from './native-session.ts';
import { NativeState } from './native-state.ts';

/** Commands and replies as they are, so that nothing here depends on the bytes. */
const codec: Codec = {
  subprotocol: 'test',
  decode(frame) {
    if (frame === 'broken') throw new Malformed('broken');
    return commands.splice(0);
  },
  encode: (reply) => JSON.stringify(reply),
  batch: ({ number, sequence }, publications) => `batch ${number} ${sequence} ${publications.length}`,
  degraded: ({ number }) => `degraded ${number}`,
  gap: ({ number }, reason) => `gap ${number} ${reason}`,
  snapshot: ({ number }, reason, count) => `snapshot ${number} ${reason} ${count}`,
};

let commands: Command[];
let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
let hub: Hub;
let session: NativeSession;
/** Those who hear what is said to all. */
let announced: Set<Socket>;
let published: [channel: string, content: unknown, confirmed: boolean][];
let toTopics: [topic: string, payload: unknown][];
/** Resolves those who wait for the bridge. */
let reached: (() => void)[];
let bridge: { state: BridgeState; reaches: boolean; confirms: boolean };
let outcome: Outcome | 'duplicate' | Promise<Outcome | Appended>;

beforeEach(() => {
  commands = [];
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 10, maxControlFrames: 5 }, metrics);
  published = [];
  toTopics = [];
  reached = [];
  bridge = { state: 'connected', reaches: true, confirms: true };
  outcome = 'confirmed';
  hub = newHub({
    publishToTopic(topic, payload) {
      toTopics.push([topic, payload]);
      return 'sent';
    },
    clock,
    metrics,
  });
  announced = new Set();
  const announcements = {
    join: (_codec: Codec, socket: Socket) => void announced.add(socket),
    leave: (_codec: Codec, socket: Socket) => void announced.delete(socket),
  };
  session = new NativeSession(codec, {
    broadcaster: {
      publish: (channel, { content }) => void published.push([channel, content, false]),
      publishConfirmed(channel, { content }) {
        published.push([channel, content, true]);
        return outcome;
      },
      isSequenced: (channel: string) => channel === 'latest',
      reachesOthers: () => bridge.state === 'connected',
    },
    hub,
    announcements,
    bridge: {
      reaches: () => bridge.reaches,
      prepare: () =>
        bridge.confirms ? true : new Promise((resolve) => reached.push(() => resolve(bridge.reaches))),
    },
    recoveries: null,
    keepsHistory: () => false,
    maxRecoveryBytes: 1_000,
    maxSnapshotBytes: 1_000,
    policy: {
      maySubscribe: (channel) => channel !== 'closed',
      mayPublish: (channel) => channel !== 'closed',
      maxPayloadBytes: () => 8,
      keepsLatest: (channel) => channel === 'latest',
    },
    deadline: new ConnectDeadline(clock, 10_000),
    clock,
    nodeId: 'node',
    bootId: 'boot',
    pingIntervalMs: 25_000,
    maxPayloadBytes: 1_000,
    maxSubscriptions: 3,
    maxSubscriptionChangesPerSecond: 20,
    metrics,
  });
});

class Peer {
  readonly connection = new Connection(session, new NativeState(), connections);
  readonly socket = new FakeSocket(this.connection);

  static connected(): Peer {
    const peer = new Peer();
    peer.says({ type: 'connect', id: 1, version: 1, client: null, token: null });
    peer.socket.sent.length = 0;
    return peer;
  }

  says(...said: Command[]): this {
    commands = said;
    this.connection.received('commands');
    return this;
  }

  get replies(): Reply[] {
    return this.socket.sent.map((frame) => JSON.parse(String(frame)));
  }

  get lastReply(): Reply | undefined {
    return this.replies.at(-1);
  }
}

const subscribe = (...channels: string[]): Command => ({
  type: 'subscribe',
  id: 2,
  channels: channels.map((channel) => ({ channel, since: null, last: null })),
});
const unsubscribe = (...channels: string[]): Command => ({ type: 'unsubscribe', id: 3, channels });
const publish = (channel: string, text: string, id: number | null = null): Command => ({
  type: 'publish',
  id,
  channel,
  publication: Publication.text(text, 0),
  idempotencyKey: null,
});

const keyed = (command: Command): Command =>
  command.type === 'publish' ? { ...command, publication: command.publication.withKey('k') } : command;

describe('connecting', () => {
  test('tells who this node is and what it allows', () => {
    const peer = new Peer().says({ type: 'connect', id: 7, version: 1, client: 'test/1', token: 't' });
    expect(peer.replies).toEqual([
      {
        type: 'connected',
        id: 7,
        node: 'node',
        boot: 'boot',
        connection: 'boot-1',
        time: expect.any(Number),
        pingIntervalMs: 25_000,
        limits: { maxPayloadBytes: 1_000, maxSubscriptions: 3 },
      },
    ]);
  });

  test.each([
    [
      'an unknown version',
      { type: 'connect', id: 1, version: 2, client: null, token: null },
      'unsupported_version',
    ],
    ['a command before it', subscribe('left'), 'not_connected'],
    ['a ping before it', { type: 'ping', id: 4 }, 'not_connected'],
  ] as [string, Command, string][])('answers %s with an error', (_what, command, error) => {
    const peer = new Peer().says(command);
    expect(peer.lastReply).toMatchObject({ type: 'error', id: 'id' in command ? command.id : null, error });
    expect(peer.socket.closes).toEqual([]);
  });

  test('is possible once', () => {
    const peer = Peer.connected().says({ type: 'connect', id: 9, version: 1, client: null, token: null });
    expect(peer.lastReply).toMatchObject({ type: 'error', id: 9, error: 'already_connected' });
  });

  test('has its time', () => {
    const peer = new Peer();
    clock.advance(10_000);
    expect(peer.socket.closes).toEqual([4501]);
  });

  test('is not needed before what follows is sent: commands of one frame are obeyed in order', () => {
    const peer = new Peer().says(
      { type: 'connect', id: 1, version: 1, client: null, token: null },
      subscribe('left'),
      { type: 'ping', id: 5 },
    );
    expect(peer.replies.map(({ type }) => type)).toEqual(['connected', 'subscribed', 'pong']);
  });
});

describe('subscribing', () => {
  test('joins the topic of the codec and answers with number and sequence', () => {
    const [first, second] = [Peer.connected(), Peer.connected()];
    first.says(subscribe('left', 'right'));
    hub.broadcast('right', Publication.text('x', 0));
    hub.flush();
    second.says(subscribe('right'));
    expect(first.lastReply).toEqual({
      type: 'subscribed',
      id: 2,
      channels: [
        { channel: 'left', number: 1, sequence: 0, degraded: false },
        { channel: 'right', number: 2, sequence: 0, degraded: false },
      ],
      refused: [],
    });
    expect(second.lastReply).toMatchObject({ channels: [{ channel: 'right', number: 2, sequence: 1 }] });
    expect(first.socket.topics).toEqual(new Set(['test:left', 'test:right']));
    expect(toTopics).toEqual([['test:right', 'batch 2 1 1']]);
  });

  test('twice is subscribing once, and is answered each time', () => {
    const peer = Peer.connected().says(subscribe('left', 'left'), subscribe('left'));
    expect(peer.replies.map((reply) => reply.type === 'subscribed' && reply.channels.length)).toEqual([1, 1]);
    expect(hub.subscribers('left')).toBe(1);
  });

  test('refuses what it must and joins the rest', () => {
    const peer = Peer.connected().says(subscribe('a', 'closed', '', 'b', 'c', 'd'));
    expect(peer.lastReply).toMatchObject({
      channels: [{ channel: 'a' }, { channel: 'b' }, { channel: 'c' }],
      refused: [
        { channel: 'closed', error: 'not_permitted' },
        { channel: '', error: 'bad_channel' },
        { channel: 'd', error: 'too_many_subscriptions' },
      ],
    });
    expect(metrics.errorsSent.values.too_many_subscriptions).toBe(1);
  });

  test('makes room again by leaving', () => {
    const peer = Peer.connected().says(subscribe('a', 'b', 'c'), unsubscribe('b'), subscribe('d'));
    expect(peer.lastReply).toMatchObject({ channels: [{ channel: 'd' }], refused: [] });
    expect([...peer.socket.topics]).toEqual(['test:a', 'test:c', 'test:d']);
  });

  test('waits for the bridge, and says whether it reaches', async () => {
    bridge.confirms = false;
    bridge.reaches = false;
    const peer = Peer.connected().says(subscribe('left'));
    expect(peer.replies).toEqual([]);
    expect(hub.subscribers('left')).toBe(0);
    for (const resolve of reached) resolve();
    await Promise.resolve().then(() => {});
    await new Promise(setImmediate);
    expect(peer.lastReply).toMatchObject({ channels: [{ channel: 'left', degraded: true }] });
    expect(hub.subscribers('left')).toBe(1);
  });

  test('does not join what was left meanwhile, and nothing once the peer is gone', async () => {
    bridge.confirms = false;
    const stays = Peer.connected().says(subscribe('left', 'right'), unsubscribe('left'));
    const goes = Peer.connected().says(subscribe('left'));
    goes.connection.closed({ code: 1006 });
    for (const resolve of reached) resolve();
    await new Promise(setImmediate);
    expect(stays.lastReply).toMatchObject({ type: 'subscribed', channels: [{ channel: 'right' }] });
    expect(hub.subscribers('left')).toBe(0);
  });

  test('counts channels that are still being joined', async () => {
    bridge.confirms = false;
    const peer = Peer.connected().says(subscribe('a', 'b', 'c'), subscribe('d'));
    for (const resolve of reached) resolve();
    await new Promise(setImmediate);
    expect(peer.replies.flatMap((reply) => (reply.type === 'subscribed' ? reply.refused : []))).toMatchObject(
      [{ channel: 'd', error: 'too_many_subscriptions' }],
    );
  });

  test('too often in a second is an error, and a second later is not', () => {
    const peer = Peer.connected();
    for (let i = 0; i < 10; i += 1) peer.says(subscribe('left'), unsubscribe('left'));
    peer.says(subscribe('left'));
    expect(peer.lastReply).toMatchObject({ type: 'error', id: 2, error: 'too_fast' });
    clock.advance(1_000);
    peer.says(subscribe('left'));
    expect(peer.lastReply).toMatchObject({ type: 'subscribed' });
  });

  test('ends with the connection', () => {
    const peer = Peer.connected().says(subscribe('left', 'right'));
    peer.connection.closed({ code: 1006 });
    expect([...hub.channels()]).toEqual([]);
    expect(metrics.subscriptionsOpen.value).toBe(0);
  });
});

test('who is connected hears what is said to all, until he is muted', () => {
  expect(announced.has(new Peer().socket)).toBe(false);
  const { connection, socket } = Peer.connected();
  expect(announced.has(socket)).toBe(true);
  connection.mute('slow_consumer');
  expect(announced.has(socket)).toBe(false);
});

describe('unsubscribing', () => {
  test('takes the socket from the topic and answers, also for what was never joined', () => {
    const peer = Peer.connected().says(subscribe('left'), unsubscribe('left', 'never'));
    expect(peer.lastReply).toEqual({ type: 'unsubscribed', id: 3, channels: ['left', 'never'] });
    expect(peer.socket.topics.size).toBe(0);
  });
});

describe('publishing', () => {
  test('without an id is not answered', () => {
    const peer = Peer.connected().says(publish('left', 'hi'));
    expect(published).toEqual([['left', 'hi', false]]);
    expect(peer.replies).toEqual([]);
    expect(metrics.publicationsReceived.value).toBe(1);
  });

  test.each([
    ['confirmed', { type: 'published', id: 4, degraded: false }],
    ['failed', { type: 'published', id: 4, degraded: true }],
    ['unknown', { type: 'error', id: 4, error: 'outcome_unknown' }],
  ] as const)('with an id is answered when it is %s', async (how, reply) => {
    outcome = Promise.resolve(how);
    const peer = Peer.connected().says(publish('left', 'hi', 4));
    expect(peer.replies).toEqual([]);
    await outcome;
    expect(peer.lastReply).toMatchObject(reply);
  });

  test('again with the key of what has reached all is answered as the first time, and said to be a duplicate', () => {
    outcome = 'duplicate';
    const peer = Peer.connected().says({ ...publish('left', 'hi', 4), idempotencyKey: 'k' } as Command);
    expect(peer.replies).toEqual([{ type: 'published', id: 4, degraded: false, duplicate: true }]);
    peer.says({ ...publish('left', 'hi', null), idempotencyKey: 'k' } as Command);
    expect(peer.replies).toHaveLength(1);
  });

  test('while the bridge is away stays on this node and is said to be', () => {
    bridge.state = 'away';
    const peer = Peer.connected().says(publish('left', 'hi', 4));
    expect(published).toEqual([['left', 'hi', false]]);
    expect(peer.replies).toEqual([{ type: 'published', id: 4, degraded: true }]);
  });

  test.each([
    ['where clients may not', publish('closed', 'hi', 4), 'not_permitted'],
    ['under a name that is none', publish('', 'hi', 4), 'bad_channel'],
    ['with a key where no values are kept', keyed(publish('left', 'hi', 4)), 'bad_request'],
    [
      'a deletion there',
      { ...publish('left', '', 4), publication: Publication.deletion('k', 0) } as Command,
      'bad_request',
    ],
    ['more than is allowed', publish('left', 'ééééé', 4), 'payload_too_big'],
    ['more than is allowed, without an id', publish('left', 'ééééé'), 'payload_too_big'],
  ])('%s is refused', (_what, command, error) => {
    const peer = Peer.connected().says(command);
    expect(peer.lastReply).toMatchObject({ type: 'error', id: 'id' in command ? command.id : null, error });
    expect(published).toEqual([]);
  });

  test.each([4, null])('of a key without room is refused, with the id %s', async (id) => {
    outcome = Promise.resolve({ outcome: 'refused' });
    const peer = Peer.connected().says(keyed(publish('latest', 'hi', id)));
    await outcome;
    expect(peer.lastReply).toMatchObject({ type: 'error', id, error: 'too_many_keys' });
  });

  test('of a key without an id is not answered otherwise', async () => {
    outcome = Promise.resolve({
      ...{ outcome: 'confirmed', duplicate: false, position: { epoch: 'e', offset: 1 } },
    });
    const peer = Peer.connected().says(keyed(publish('latest', 'hi')));
    await outcome;
    expect(peer.replies).toEqual([]);
  });

  test('is acknowledged to nobody once the peer is gone', async () => {
    outcome = Promise.resolve('confirmed');
    const peer = Peer.connected().says(publish('left', 'hi', 4));
    peer.connection.closed({ code: 1006 });
    await outcome;
    expect(peer.replies).toEqual([]);
  });
});

describe('everything else', () => {
  test('a mistake is answered and counted, and the rest of the frame is obeyed', () => {
    const peer = Peer.connected().says(
      { type: 'mistake', id: 8, error: 'unknown_command', message: 'there is no such command' },
      { type: 'ping', id: null },
    );
    expect(peer.replies).toMatchObject([
      { type: 'error', id: 8, error: 'unknown_command', message: 'there is no such command' },
      { type: 'pong', id: null },
    ]);
    expect(metrics.errorsSent.values.unknown_command).toBe(1);
  });

  test('a frame that cannot be read ends the connection', () => {
    const peer = Peer.connected();
    peer.connection.received('broken');
    expect(peer.socket.closes).toEqual([4500]);
    expect(metrics.connectionsClosed.values.malformed).toBe(1);
  });

  test('the node asks for a sign of life in the protocol, and a pong needs no answer', () => {
    const peer = Peer.connected();
    peer.connection.ping();
    peer.says({ type: 'pong' });
    expect(peer.replies).toEqual([{ type: 'ping' }]);
    expect(peer.socket.pings).toBe(0);
  });
});
