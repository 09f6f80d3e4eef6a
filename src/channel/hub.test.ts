import { beforeEach, describe, expect, test } from 'vitest';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { SendResult } from '../transport/transport.ts';
import { Hub } from './hub.ts';
import { type Payload, Publication } from './publication.ts';

let published: [topic: string, payload: Payload][];
let pressure: number[];
let watched: string[];
let result: SendResult;
let metrics: Metrics;
let hub: Hub;

beforeEach(() => {
  published = [];
  pressure = [];
  watched = [];
  result = 'sent';
  metrics = new Metrics();
  hub = new Hub({
    publishToTopic(topic, payload) {
      published.push([topic, payload]);
      return result;
    },
    onPressure: (bytes) => pressure.push(bytes),
    watch: {
      opened: (channel) => watched.push(`+${channel}`),
      closed: (channel) => watched.push(`-${channel}`),
    },
    metrics,
  });
});

describe('joining and leaving', () => {
  test('subscribes every socket of a channel to one topic, and those of another to another', () => {
    const [first, second, other] = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
    hub.join('left', first);
    hub.join('left', second);
    hub.join('right', other);
    expect(first.topics.size).toBe(1);
    expect(second.topics).toEqual(first.topics);
    expect(other.topics).not.toEqual(first.topics);
  });

  test('counts a channel once, however many are in it', () => {
    hub.join('left', new FakeSocket());
    hub.join('left', new FakeSocket());
    hub.join('right', new FakeSocket());
    expect(metrics.channelsOpen.value).toBe(2);
  });

  test('gives back the name of the channel', () => {
    expect(hub.join('left', new FakeSocket())).toBe('left');
    expect(hub.join('left', new FakeSocket())).toBe('left');
  });

  test('forgets a channel with its last subscriber and not before', () => {
    hub.join('left', new FakeSocket());
    hub.join('left', new FakeSocket());
    hub.leave('left');
    hub.broadcast('left', Publication.text('one is here', 0));
    expect(metrics.channelsOpen.value).toBe(1);
    hub.leave('left');
    hub.broadcast('left', Publication.text('nobody is here', 0));
    expect(metrics.channelsOpen.value).toBe(0);
    expect(published).toHaveLength(1);
  });

  test('tells of the first subscriber of a channel and of the end of the last, and of nothing between', () => {
    hub.join('left', new FakeSocket());
    hub.join('left', new FakeSocket());
    hub.join('right', new FakeSocket());
    hub.leave('left');
    expect(watched).toEqual(['+left', '+right']);
    hub.leave('left');
    expect(watched).toEqual(['+left', '+right', '-left']);
  });

  test('survives leaving a channel that nobody is in', () => {
    hub.leave('left');
    expect(metrics.channelsOpen.value).toBe(0);
  });

  test('starts afresh when somebody comes back', () => {
    hub.join('left', new FakeSocket());
    hub.leave('left');
    hub.join('left', new FakeSocket());
    hub.broadcast('left', Publication.text('again', 0));
    expect(metrics.channelsOpen.value).toBe(1);
    expect(metrics.deliveries.value).toBe(1);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('treats %s like any name', (name) => {
    hub.broadcast(name, Publication.text('nobody is here', 0));
    expect(published).toEqual([]);
    const socket = new FakeSocket();
    hub.join(name, socket);
    hub.broadcast(name, Publication.text('x', 0));
    expect(published).toEqual([[[...socket.topics][0], 'x']]);
    hub.leave(name);
    expect(metrics.channelsOpen.value).toBe(0);
  });
});

describe('broadcasting', () => {
  test('hands the payload over once, however many listen', () => {
    const socket = new FakeSocket();
    const payload = new Uint8Array([1, 2]);
    hub.join('left', socket);
    for (let more = 0; more < 9; more += 1) hub.join('left', new FakeSocket());
    hub.broadcast('left', Publication.binary(payload, 0));
    expect(published).toEqual([[[...socket.topics][0], payload]]);
    expect(published[0]?.[1]).toBe(payload);
    expect(socket.sent).toEqual([]);
  });

  test('hands out JSON as text, whichever way it came', () => {
    const socket = new FakeSocket();
    hub.join('left', socket);
    hub.broadcast('left', Publication.json('{"a": 1.0}', 0));
    hub.broadcast('left', Publication.json(Buffer.from('{"a": 1.0}'), 0));
    hub.broadcast('left', Publication.text(Buffer.from('\ufeffhi'), 0));
    expect(published.map(([, payload]) => payload)).toEqual(['{"a": 1.0}', '{"a": 1.0}', '\ufeffhi']);
  });

  test('counts a delivery for each subscriber', () => {
    hub.join('left', new FakeSocket());
    hub.join('left', new FakeSocket());
    hub.join('right', new FakeSocket());
    hub.broadcast('left', Publication.text('x', 0));
    hub.broadcast('right', Publication.text('x', 0));
    hub.broadcast('nowhere', Publication.text('x', 0));
    expect(metrics.deliveries.value).toBe(3);
  });

  test('reports no pressure while everybody takes everything', () => {
    hub.join('left', new FakeSocket());
    hub.broadcast('left', Publication.text('x', 0));
    expect(pressure).toEqual([]);
  });

  test.each(['buffered', 'dropped'] as const)('reports what may wait when something was %s', (outcome) => {
    result = outcome;
    hub.join('left', new FakeSocket());
    hub.broadcast('left', Publication.text('four', 0));
    hub.broadcast('left', Publication.binary(new Uint8Array(5), 0));
    expect(pressure).toEqual([12, 5]);
  });
});
