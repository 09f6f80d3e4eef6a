import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import type { SendResult } from '../transport/transport.ts';
import { Hub } from './hub.ts';
import { type Payload, Publication } from './publication.ts';

let published: [topic: string, payload: Payload][];
let compressed: Payload[];
let pressure: number[];
let rawGaps: string[];
let watched: string[];
let result: SendResult;
let metrics: Metrics;
let clock: FakeClock;
let errors: unknown[];
let hub: Hub;

beforeEach(() => {
  published = [];
  compressed = [];
  pressure = [];
  rawGaps = [];
  watched = [];
  result = 'sent';
  metrics = new Metrics();
  clock = new FakeClock();
  errors = [];
  hub = new Hub({
    publishToTopic(topic, payload, compress) {
      if (compress) compressed.push(payload);
      published.push([topic, payload]);
      return result;
    },
    onPressure: (bytes) => pressure.push(bytes),
    onRawGap: (channel) => rawGaps.push(channel),
    watch: {
      opened: (channel) => watched.push(`+${channel}`),
      closed: (channel) => watched.push(`-${channel}`),
    },
    clock,
    onError: (error) => errors.push(error),
    maxDelayMs: () => 20,
    compresses: (channel) => channel === 'compressed',
    namespaceOf: () => 'default',
    metrics,
  });
});

/** Shows what it is asked to encode. */
const codecNamed = (subprotocol: string): Codec => ({
  subprotocol,
  decode: () => [],
  encode: () => '',
  batch: ({ channel, sequence }, publications) =>
    `${channel} ${sequence} ${publications.map(({ text }) => text)}`,
  gap: ({ channel }, reason) => `gap ${channel} ${reason}`,
  degraded: ({ channel }) => `degraded ${channel}`,
  snapshot: ({ channel, sequence, position }, reason, count) =>
    `snapshot ${channel} ${sequence} ${position?.epoch} ${position?.offset} ${reason} ${count}`,
});
const [json, msgpack] = [codecNamed('json'), codecNamed('msgpack')];

/** Broadcasts and lets the turn end. */
function broadcast(channel: string, publication: Publication): void {
  hub.broadcast(channel, publication);
  clock.endTurn();
  clock.endTurn();
}

describe('joining and leaving', () => {
  test('subscribes every socket of a channel to one topic, and those of another to another', () => {
    const [first, second, other] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
    hub.join('left', null, first);
    hub.join('left', null, second);
    hub.join('right', null, other);
    expect(first.topics.size).toBe(1);
    expect(second.topics).toEqual(first.topics);
    expect(other.topics).not.toEqual(first.topics);
  });

  test('counts a channel once, however many are in it', () => {
    hub.join('left', null, new FakeSocket());
    hub.join('left', null, new FakeSocket());
    hub.join('right', null, new FakeSocket());
    expect(metrics.channelsOpen.value).toBe(2);
  });

  test('gives back the one room of the channel', () => {
    const room = hub.join('left', null, new FakeSocket());
    expect(hub.join('left', null, new FakeSocket())).toBe(room);
    expect(room).toMatchObject({ channel: 'left', subscribers: 2 });
  });

  test('forgets a channel with its last subscriber and not before', () => {
    const room = hub.join('left', null, new FakeSocket());
    hub.join('left', null, new FakeSocket());
    hub.leave(room, null, null);
    broadcast('left', Publication.text('one is here', 0));
    expect(metrics.channelsOpen.value).toBe(1);
    hub.leave(room, null, null);
    broadcast('left', Publication.text('nobody is here', 0));
    expect(metrics.channelsOpen.value).toBe(0);
    expect(published).toHaveLength(1);
  });

  test('tells of the first subscriber of a channel and of the end of the last, and of nothing between', () => {
    const room = hub.join('left', null, new FakeSocket());
    hub.join('left', null, new FakeSocket());
    hub.join('right', null, new FakeSocket());
    hub.leave(room, null, null);
    expect(watched).toEqual(['+left', '+right']);
    hub.leave(room, null, null);
    expect(watched).toEqual(['+left', '+right', '-left']);
  });

  test('takes an open socket from the topic, and leaves a closed one alone', () => {
    const [open, closed] = [new FakeSocket(), new FakeSocket()];
    const room = hub.join('left', null, open);
    hub.join('left', null, closed);
    hub.leave(room, null, open);
    hub.leave(room, null, null);
    expect(open.topics.size).toBe(0);
    expect(closed.topics.size).toBe(1);
    expect(hub.room('left')).toBeNull();
  });

  test('starts afresh when somebody comes back', () => {
    hub.leave(hub.join('left', null, new FakeSocket()), null, null);
    hub.join('left', null, new FakeSocket());
    broadcast('left', Publication.text('again', 0));
    expect(metrics.channelsOpen.value).toBe(1);
    expect(metrics.deliveries.value).toBe(1);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('treats %s like any name', (name) => {
    broadcast(name, Publication.text('nobody is here', 0));
    expect(published).toEqual([]);
    const socket = new FakeSocket();
    const room = hub.join(name, null, socket);
    broadcast(name, Publication.text('x', 0));
    expect(published).toEqual([[[...socket.topics][0], 'x']]);
    hub.leave(room, null, socket);
    expect(metrics.channelsOpen.value).toBe(0);
  });
});

describe('broadcasting', () => {
  test('hands the payload over once, however many listen', () => {
    const socket = new FakeSocket();
    const payload = new Uint8Array([1, 2]);
    hub.join('left', null, socket);
    for (let more = 0; more < 9; more += 1) hub.join('left', null, new FakeSocket());
    broadcast('left', Publication.binary(payload, 0));
    expect(published).toEqual([[[...socket.topics][0], payload]]);
    expect(socket.sent).toEqual([]);
  });

  test('hands out JSON as text, whichever way it came', () => {
    const socket = new FakeSocket();
    hub.join('left', null, socket);
    broadcast('left', Publication.json('{"a": 1.0}', 0));
    broadcast('left', Publication.json(Buffer.from('{"a": 1.0}'), 0));
    broadcast('left', Publication.text(Buffer.from('\ufeffhi'), 0));
    expect(published.map(([, payload]) => payload)).toEqual(['{"a": 1.0}', '{"a": 1.0}', '\ufeffhi']);
  });

  test('counts a delivery for each subscriber', () => {
    hub.join('left', null, new FakeSocket());
    hub.join('left', null, new FakeSocket());
    hub.join('right', null, new FakeSocket());
    broadcast('left', Publication.text('x', 0));
    broadcast('right', Publication.text('x', 0));
    broadcast('nowhere', Publication.text('x', 0));
    expect(metrics.deliveries.value).toBe(3);
  });

  test('reports no pressure while everybody takes everything', () => {
    hub.join('left', null, new FakeSocket());
    broadcast('left', Publication.text('x', 0));
    expect(pressure).toEqual([]);
  });

  test.each(['buffered', 'dropped'] as const)('reports what may wait when something was %s', (outcome) => {
    result = outcome;
    hub.join('left', null, new FakeSocket());
    broadcast('left', Publication.text('four', 0));
    broadcast('left', Publication.binary(new Uint8Array(5), 0));
    expect(pressure).toEqual([12, 5]);
  });
});

describe('compression', () => {
  const [short, long] = ['x'.repeat(255), 'x'.repeat(256)];
  const join = (channel: string) => {
    for (const codec of [null, json]) hub.join(channel, codec, new FakeSocket());
  };

  test('is for channels that have it and frames that it makes smaller, raw and native', () => {
    join('compressed');
    broadcast('compressed', Publication.text(short, 0));
    expect(compressed).toEqual([`compressed 1 ${short}`]);
    broadcast('compressed', Publication.text(long, 0));
    expect(compressed.slice(1)).toEqual([long, `compressed 2 ${long}`]);
  });

  test('is not for other channels', () => {
    join('a');
    broadcast('a', Publication.text(long, 0));
    expect(published).toHaveLength(2);
    expect(compressed).toEqual([]);
  });
});

describe('native subscribers', () => {
  test('get a frame of their own codec, once per codec, beside the raw ones', () => {
    hub.join('left', null, new FakeSocket());
    for (const codec of [json, json, msgpack]) hub.join('left', codec, new FakeSocket());
    broadcast('left', Publication.text('hi', 0));
    expect(published).toEqual([
      ['raw:left', 'hi'],
      ['json:left', 'left 1 hi'],
      ['msgpack:left', 'left 1 hi'],
    ]);
    expect(metrics.deliveries.value).toBe(4);
    expect(metrics.framesBroadcast.value).toBe(3);
    expect(metrics.framePublications.counts[0]).toBe(1);
    expect(metrics.bytesDelivered.value).toBe(2 + 3 * 'left 1 hi'.length);
  });

  test('count on through whatever codec somebody came or left by', () => {
    const raw = hub.join('left', null, new FakeSocket());
    broadcast('left', Publication.text('a', 0));
    const room = hub.join('left', json, new FakeSocket());
    expect(room.sequence).toBe(1);
    hub.leave(raw, null, null);
    broadcast('left', Publication.text('b', 0));
    expect(published.at(-1)).toEqual(['json:left', 'left 2 b']);
    expect(published).toHaveLength(2);
  });

  test('find a new number under a channel that had gone', () => {
    const room = hub.join('left', json, new FakeSocket());
    broadcast('left', Publication.text('a', 0));
    hub.leave(room, json, null);
    const again = hub.join('left', json, new FakeSocket());
    expect(again.number).not.toBe(room.number);
    expect(again.sequence).toBe(0);
  });

  test.each(['buffered', 'dropped'] as const)(
    'hear the last number again when a channel falls quiet after something was %s',
    (outcome) => {
      hub.join('left', json, new FakeSocket());
      result = outcome;
      broadcast('left', Publication.text('a', 0));
      clock.advance(10_000);
      expect(published.slice(1)).toEqual([
        ['json:left', 'left 1 '],
        ['json:left', 'left 1 '],
      ]);
      expect(metrics.quietMarks.value).toBe(2);
    },
  );

  test('hear nothing more when everybody has taken everything, or only raw ones have not', () => {
    hub.join('left', json, new FakeSocket());
    hub.join('right', null, new FakeSocket());
    broadcast('left', Publication.text('a', 0));
    result = 'buffered';
    broadcast('right', Publication.text('a', 0));
    clock.advance(10_000);
    expect(published).toHaveLength(2);
  });

  test('are told of a gap in the channels that it concerns; raw ones cannot be', () => {
    hub.join('left', json, new FakeSocket());
    hub.join('left', null, new FakeSocket());
    hub.join('right', msgpack, new FakeSocket());
    hub.join('raw', null, new FakeSocket());
    hub.gap('bridge', (channel) => channel !== 'right');
    expect(published).toEqual([['json:left', 'gap left bridge']]);
    expect(metrics.gapsTold.values.bridge).toBe(1);
    expect(rawGaps).toEqual(['left', 'raw']);
  });

  test('are told when a channel goes on elsewhere; raw ones are only concerned if they were there before', () => {
    hub.join('left', json, new FakeSocket());
    hub.join('left', null, new FakeSocket());
    expect(hub.moveTo('left', { epoch: 'e', offset: 1 }, 'epoch_changed', true)).toBe(true);
    expect(hub.moveTo('left', { epoch: 'e', offset: 1 }, null)).toBe(false);
    expect(rawGaps).toEqual([]);
    hub.moveTo('left', { epoch: 'e', offset: 9 }, 'not_kept');
    expect(rawGaps).toEqual(['left']);
    expect(published.map(([, payload]) => payload)).toEqual(['gap left epoch_changed', 'gap left not_kept']);
  });
});

describe('a channel with history', () => {
  const positioned: Codec = {
    ...codecNamed('json'),
    batch: ({ position }, publications) => `${position?.offset} ${publications.map(({ text }) => text)}`,
    gap: ({ position }, reason) => `gap ${reason} ${position?.epoch} ${position?.offset}`,
  };
  const frames = () => published.map(([, frame]) => frame);
  const texts = (...all: string[]) => all.map((text) => Publication.text(text, 0));

  test('has the offset of the last publication in each batch, whatever goes out together', () => {
    hub.join('left', positioned, new FakeSocket());
    hub.moveTo('left', { epoch: 'e', offset: 10 }, null);
    hub.broadcastSequenced('left', texts('a', 'b'));
    clock.endTurn();
    hub.broadcastSequenced('left', texts('x'.repeat(70_000), 'y'.repeat(10)));
    hub.flushChannel('left');
    expect(frames()).toEqual(['12 a,b', `13 ${'x'.repeat(70_000)}`, `14 ${'y'.repeat(10)}`]);
    expect(hub.room('left')?.position).toEqual({ epoch: 'e', offset: 14 });
  });

  test('goes on behind another position, and says why', () => {
    hub.join('left', positioned, new FakeSocket());
    hub.moveTo('left', { epoch: 'e', offset: 10 }, null);
    hub.broadcastSequenced('left', texts('a'));
    expect(hub.moveTo('left', { epoch: 'f', offset: 3 }, 'epoch_changed')).toBe(true);
    hub.broadcastSequenced('left', texts('b'));
    clock.endTurn();
    expect(frames()).toEqual(['11 a', 'gap epoch_changed f 3', '4 b']);
    expect(metrics.gapsTold.values.epoch_changed).toBe(1);
  });

  test('tells nobody where only raw ones listen, or nobody', () => {
    hub.join('left', null, new FakeSocket());
    expect(hub.moveTo('left', { epoch: 'f', offset: 3 }, 'not_kept')).toBe(false);
    expect(hub.moveTo('right', { epoch: 'f', offset: 3 }, 'not_kept')).toBe(false);
    hub.broadcastSequenced('right', texts('b'));
    expect(published).toEqual([]);
  });
});

test('a subscriber may pause: its socket leaves the topic and comes back, and it counts all the while', () => {
  const socket = new FakeSocket();
  const room = hub.join('left', json, socket);
  hub.pause(room, json, socket);
  expect([socket.topics.size, room.subscribers]).toEqual([0, 1]);
  broadcast('left', Publication.text('a', 0));
  hub.resume(room, json, socket);
  expect([...socket.topics]).toEqual(['json:left']);
  expect(hub.room('left')).toBe(room);
  hub.pause(room, json, socket);
  hub.leave(room, json, null);
  expect(hub.room('left')).toBeNull();
});

describe('pacing', () => {
  const numbered = (from: number, to: number): Publication[] =>
    Array.from({ length: to - from + 1 }, (_, i) => Publication.text(`${from + i}`, 0));

  test('holds what is broadcast until the turn ends, for all channels together', () => {
    hub.join('left', null, new FakeSocket());
    hub.join('right', null, new FakeSocket());
    hub.broadcast('left', Publication.text('a', 0));
    hub.broadcast('right', Publication.text('b', 0));
    hub.broadcast('left', Publication.text('c', 0));
    expect(published).toEqual([]);
    clock.endTurn();
    expect(published).toEqual([
      ['raw:left', 'a'],
      ['raw:left', 'c'],
      ['raw:right', 'b'],
    ]);
  });

  test('keeps bytes that are only lent to it', () => {
    hub.join('left', null, new FakeSocket());
    const lent = new Uint8Array([1, 2]);
    hub.broadcast('left', Publication.binary(lent, 0));
    lent.fill(0);
    clock.endTurn();
    expect(published).toEqual([['raw:left', new Uint8Array([1, 2])]]);
  });

  test('gives a socket that leaves what was broadcast before, and one that joins what is pending', () => {
    const leaving = new FakeSocket();
    const room = hub.join('left', null, leaving);
    hub.join('left', null, new FakeSocket());
    hub.broadcast('left', Publication.text('a', 0));
    hub.leave(room, null, leaving);
    expect(published).toEqual([['raw:left', 'a']]);
    hub.broadcast('left', Publication.text('b', 0));
    expect(hub.join('left', null, new FakeSocket()).sequence).toBe(1);
    clock.endTurn();
    expect(published).toHaveLength(2);
  });

  test('forgets what is pending with the last subscriber', () => {
    const room = hub.join('left', null, new FakeSocket());
    hub.broadcast('left', Publication.text('a', 0));
    hub.leave(room, null, null);
    hub.join('left', null, new FakeSocket());
    clock.endTurn();
    expect(published).toEqual([]);
  });

  test('flushes before it tells of a gap, and when it stops', () => {
    hub.join('left', json, new FakeSocket());
    hub.broadcast('left', Publication.text('a', 0));
    hub.gap('bridge', () => true);
    hub.broadcast('left', Publication.text('b', 0));
    hub.stop();
    expect(published.map(([, payload]) => payload)).toEqual(['left 1 a', 'gap left bridge', 'left 2 b']);
    expect(clock.timers).toBe(0);
  });

  test('flushes at once what would take too much memory', () => {
    hub.join('left', null, new FakeSocket());
    for (let sent = 0; sent < 40; sent += 1)
      hub.broadcast('left', Publication.binary(new Uint8Array(65_536), 0));
    expect(published).toHaveLength(40);
  });

  test('goes on with the other channels when one cannot be encoded, whose numbers show what it lost', () => {
    const broken: Codec = {
      ...codecNamed('broken'),
      batch() {
        throw new Error('a bug');
      },
    };
    const room = hub.join('left', broken, new FakeSocket());
    hub.join('right', json, new FakeSocket());
    hub.broadcast('left', Publication.text('a', 0));
    hub.broadcast('right', Publication.text('b', 0));
    clock.endTurn();
    expect(published).toEqual([['json:right', 'right 1 b']]);
    expect(errors).toEqual([new Error('a bug')]);
    expect(room.sequence).toBe(1);
  });

  test('fills frames up to their size, and numbers each by its last publication', () => {
    hub.join('left', json, new FakeSocket());
    const large = 'x'.repeat(40_000);
    for (const publication of [...numbered(1, 3), Publication.text(large, 0), Publication.text(large, 0)])
      hub.broadcast('left', publication);
    hub.broadcast('left', Publication.text('6', 0));
    clock.endTurn();
    expect(published.map(([, payload]) => String(payload).replaceAll(large, 'large'))).toEqual([
      'left 5 1,2,3,large,large',
      'left 6 6',
    ]);
    expect(metrics.deliveries.value).toBe(6);
  });
});

describe('the latest values', () => {
  test('replace what natives have, behind what is pending and before what follows', () => {
    for (const codec of [json, msgpack, null]) hub.join('left', codec, new FakeSocket());
    hub.moveTo('left', { epoch: 'e', offset: 1 }, null);
    hub.broadcastSequenced('left', [Publication.text('pending', 0)]);
    published.length = 0;
    const values = [Publication.text('1', 0).withKey('a'), Publication.text('2', 0).withKey('b')];
    expect(hub.replace('left', 'epoch_changed', { epoch: 'f', offset: 7, publications: values })).toBe(true);
    hub.broadcastSequenced('left', [Publication.text('live', 0)]);
    hub.flush();
    const told = (codec: string) =>
      [...['left 1 pending', 'snapshot left 1 f 7 epoch_changed 2', 'left 0 1,2', 'left 2 live']].map(
        (payload) => [`${codec}:left`, payload],
      );
    expect(published.filter(([topic]) => topic === 'json:left')).toEqual(told('json'));
    expect(published.filter(([topic]) => topic === 'msgpack:left')).toEqual(told('msgpack'));
    expect(published.filter(([topic]) => topic === 'raw:left')).toEqual([
      ['raw:left', 'pending'],
      ['raw:left', 'live'],
    ]);
    expect(hub.room('left')?.position).toEqual({ epoch: 'f', offset: 8 });
    expect(metrics.latest.publicationsSent.value).toBe(2);
  });

  test('are told to nobody where no native is', () => {
    hub.join('left', null, new FakeSocket());
    for (const channel of ['left', 'right'])
      expect(hub.replace(channel, 'not_kept', { epoch: 'f', offset: 7, publications: [] })).toBe(false);
    expect(metrics.latest.snapshotsSent.values.not_kept).toBe(0);
  });

  test('of a key that is deleted mean nothing to raw clients', () => {
    hub.join('left', null, new FakeSocket());
    hub.join('left', json, new FakeSocket());
    published.length = 0;
    hub.broadcastSequenced('left', [Publication.deletion('k', 0), Publication.text('x', 0)]);
    hub.flush();
    expect(published).toEqual([
      ['raw:left', 'x'],
      ['json:left', 'left 2 ,x'],
    ]);
  });
});
