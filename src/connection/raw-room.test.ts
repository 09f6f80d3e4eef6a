import { beforeEach, describe, expect, test } from 'vitest';
import { newBroadcaster } from '../../test/support/broadcaster.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { newHub } from '../../test/support/hub.ts';
import type { Hub } from '../channel/hub.ts';
import type { Payload } from '../channel/publication.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { RawRoom, type RawState } from './raw-room.ts';

let published: Payload[];
let metrics: Metrics;
let hub: Hub;
let connections: Connections;
let permitted: boolean;

beforeEach(() => {
  published = [];
  metrics = new Metrics();
  hub = newHub({
    publishToTopic(_topic, payload) {
      published.push(payload);
      return 'sent';
    },
    clock: new FakeClock(),
    metrics,
  });
  permitted = true;
  connections = new Connections('boot', { maxConnections: 10, maxControlFrames: 5 }, metrics);
});

const policy = { maySubscribe: () => true, mayPublish: () => permitted, maxPayloadBytes: () => 8 };

function join(channel: string, hello: ((channel: string) => string) | null = null) {
  const room = new RawRoom({
    broadcaster: newBroadcaster({ hub }),
    hub,
    policy,
    metrics,
    hello,
  });
  const connection = new Connection<RawState>(room, channel, connections);
  return { connection, socket: new FakeSocket(connection) };
}

describe('a member of a raw room', () => {
  test('is subscribed to its channel and to no other', () => {
    const [left, right] = [join('left'), join('right')];
    expect(left.socket.topics.size).toBe(1);
    expect(left.socket.topics).not.toEqual(right.socket.topics);
    expect(metrics.channelsOpen.value).toBe(2);
  });

  test('publishes what it sends, verbatim', () => {
    const { connection } = join('left');
    const bytes = new Uint8Array([0, 255]);
    connection.received('hi 🙂');
    hub.flush();
    connection.received('');
    hub.flush();
    connection.received(bytes);
    hub.flush();
    expect(published).toEqual(['hi 🙂', '', bytes]);
  });

  test('is one of its own subscribers', () => {
    join('left').connection.received('echo');
    hub.flush();
    expect(metrics.deliveries.value).toBe(1);
  });

  test('is counted with what it sends', () => {
    const { connection } = join('left');
    connection.received('four');
    hub.flush();
    connection.received(new Uint8Array(3));
    expect(metrics.publicationsReceived.value).toBe(2);
    expect(metrics.payloadBytesReceived.value).toBe(7);
  });

  test('leaves its channel when it closes', () => {
    const [first, second] = [join('left'), join('left')];
    first.connection.closed({ code: 1000 });
    expect(metrics.channelsOpen.value).toBe(1);
    second.connection.closed({ code: 1006 });
    expect(metrics.channelsOpen.value).toBe(0);
  });
});

describe('the hello frame', () => {
  test('is sent first, to the newcomer only', () => {
    const hello = (channel: string) => `hello to ${channel}`;
    const first = join('left', hello);
    expect(first.socket.sent).toEqual(['hello to left']);
    join('left', hello);
    expect(first.socket.sent).toHaveLength(1);
    expect(published).toEqual([]);
  });

  test('is not sent unless it was asked for', () => {
    expect(join('left').socket.sent).toEqual([]);
  });
});

describe('a member that may not', () => {
  test.each([
    ['publish', false, 'x', 4503, 'not_permitted'],
    ['publish this much', true, 'éééé!', 1009, 'message_too_big'],
    ['publish this many bytes', true, new Uint8Array(9), 1009, 'message_too_big'],
  ] as const)('%s is closed, and nothing is published', (_what, may, payload, code, reason) => {
    permitted = may;
    const { connection, socket } = join('left');
    connection.received(payload);
    hub.flush();
    expect(socket.closes).toEqual([code]);
    expect(metrics.connectionsClosed.values[reason]).toBe(1);
    expect(published).toEqual([]);
  });

  test('is not closed for a payload of exactly the size', () => {
    const { connection, socket } = join('left');
    connection.received('éééé');
    hub.flush();
    expect(socket.closes).toEqual([]);
    expect(published).toEqual(['éééé']);
  });
});
