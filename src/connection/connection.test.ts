import { beforeEach, describe, expect, test } from 'vitest';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import type { Payload } from '../channel/publication.ts';
import { closeCodes } from '../close-codes.ts';
import type { EndReason } from '../metrics/metrics.ts';
import { Connection, type Protocol, type Registry } from './connection.ts';

let events: string[];
let received: Payload[];
let ends: EndReason[];

const registry: Registry = {
  bootId: 'boot',
  maxControlFrames: 3,
  add: () => void events.push('added'),
  remove(_connection, reason) {
    events.push('removed');
    ends.push(reason);
  },
};
const protocol: Protocol<string> = {
  ping: (socket) => socket.ping(),
  opened: (connection) => void events.push(`opened ${connection.state}`),
  received: (_connection, payload) => void received.push(payload),
  mute: (connection) => void events.push(`muted ${connection.state}`),
  closed: (connection) => void events.push(`closed ${connection.state}`),
};

beforeEach(() => {
  events = [];
  received = [];
  ends = [];
});

function open(): { connection: Connection<string>; socket: FakeSocket } {
  const connection = new Connection(protocol, 'left', registry);
  return { connection, socket: new FakeSocket(connection) };
}

describe('a connection', () => {
  test('is registered before its protocol sees it, and removed before its protocol loses it', () => {
    const { connection, socket } = open();
    expect(connection.socket).toBe(socket);
    connection.closed({ code: 1000 });
    expect(events).toEqual(['added', 'opened left', 'removed', 'closed left']);
    expect(connection.socket).toBeNull();
  });

  test('hands messages to its protocol unchanged', () => {
    const { connection } = open();
    const bytes = new Uint8Array([1]);
    connection.received('hi');
    connection.received(bytes);
    expect(received).toEqual(['hi', bytes]);
  });

  test('takes every message and every control frame as a sign of life', () => {
    const { connection } = open();
    connection.heard = false;
    connection.received('');
    expect(connection.heard).toBe(true);
    connection.heard = false;
    connection.controlFrame();
    expect(connection.heard).toBe(true);
  });

  test('that never opened leaves no trace when its handshake fails', () => {
    new Connection(protocol, 'left', registry).closed({ code: 1006 });
    expect(events).toEqual([]);
  });

  test('ends once, even if it is told twice', () => {
    const { connection } = open();
    connection.closed({ code: 1001 });
    connection.closed({ code: 1006 });
    expect(ends).toEqual(['client']);
    expect(events.filter((event) => event === 'closed left')).toHaveLength(1);
  });
});

describe('the reason for which a connection ended', () => {
  test.each([
    [1000, 'client'],
    [1001, 'client'],
    [1002, 'protocol_error'],
    [1003, 'client'],
    [1005, 'client'],
    [1006, 'abnormal'],
    [1007, 'protocol_error'],
    [1009, 'message_too_big'],
    [1011, 'internal_error'],
    [3000, 'client'],
    [4999, 'client'],
  ])('with code %i is %s', (code, reason) => {
    open().connection.closed({ code });
    expect(ends).toEqual([reason]);
  });

  test('is that it was slow when bytes waited for it and no close frame came', () => {
    const [vanished, polite] = [open().connection, open().connection];
    vanished.congested = true;
    polite.congested = true;
    vanished.closed({ code: 1006 });
    polite.closed({ code: 1000 });
    expect(ends).toEqual(['slow_consumer', 'client']);
  });

  test('is ours when we ended it, whatever the peer answers', () => {
    const { connection, socket } = open();
    socket.alive = false;
    connection.close(closeCodes.goingAway, 'stopping');
    connection.closed({ code: 1006 });
    expect(ends).toEqual(['stopping']);
  });

  test('is the first of several, and only one close frame is sent', () => {
    const { connection, socket } = open();
    socket.alive = false;
    connection.close(closeCodes.controlFlood, 'control_flood');
    connection.close(closeCodes.goingAway, 'stopping');
    expect(socket.closes).toEqual([1008]);
    connection.terminate('liveness_timeout');
    expect(socket.terminations).toBe(1);
    expect(ends).toEqual(['control_flood']);
  });

  test('stays that of the termination when a close follows', () => {
    const { connection, socket } = open();
    connection.terminate('slow_consumer');
    connection.close(closeCodes.goingAway, 'stopping');
    expect([ends, socket.terminations, socket.closes]).toEqual([['slow_consumer'], 1, []]);
  });
});

describe('one that is muted', () => {
  test('hears and says nothing more, and ends for that reason, with a code or without', () => {
    const { connection, socket } = open();
    expect(connection.mute('slow_consumer')).toBe(true);
    connection.received('too late');
    connection.close(closeCodes.goingAway, 'stopping');
    expect([received, socket.closes, ends]).toEqual([[], [], []]);
    expect(connection.mute('slow_consumer')).toBe(false);
    connection.farewell(closeCodes.slowConsumer);
    expect([socket.closes, ends]).toEqual([[4001], ['slow_consumer']]);
    expect(events).toEqual(['added', 'opened left', 'muted left', 'removed', 'closed left']);

    const other = open();
    other.connection.mute('slow_consumer');
    other.connection.terminate('liveness_timeout');
    expect(other.socket.terminations).toBe(1);
    expect(ends).toEqual(['slow_consumer', 'slow_consumer']);
  });

  test('is none that is ending already', () => {
    const { connection, socket } = open();
    socket.alive = false;
    connection.close(closeCodes.goingAway, 'stopping');
    expect(connection.mute('slow_consumer')).toBe(false);
    connection.closed({ code: 1006 });
    expect(connection.mute('slow_consumer')).toBe(false);
  });
});

describe('after we have closed it', () => {
  test('drops what the peer still says, and still takes it as a sign of life', () => {
    const { connection, socket } = open();
    socket.alive = false;
    connection.close(closeCodes.goingAway, 'stopping');
    connection.heard = false;
    connection.received('too late');
    expect(received).toEqual([]);
    expect(connection.heard).toBe(true);
  });
});

describe('control frames', () => {
  test('are allowed up to the cap', () => {
    const { connection, socket } = open();
    for (let count = 0; count < 3; count += 1) connection.controlFrame();
    expect(socket.closes).toEqual([]);
  });

  test('close the connection with 1008 beyond it, once', () => {
    const { connection, socket } = open();
    socket.alive = false;
    for (let count = 0; count < 9; count += 1) connection.controlFrame();
    connection.closed({ code: 1008 });
    expect([socket.closes, ends]).toEqual([[1008], ['control_flood']]);
  });
});
