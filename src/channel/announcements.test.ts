import { expect, test } from 'vitest';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { Metrics } from '../metrics/metrics.ts';
import { jsonCodec } from '../protocol/json-codec.ts';
import { msgpackCodec } from '../protocol/msgpack-codec.ts';
import type { SendResult } from '../transport/transport.ts';
import { Announcements } from './announcements.ts';

test('one frame for each codec goes to those who have joined and not left', () => {
  const metrics = new Metrics();
  const published: [topic: string, frame: unknown, compress: boolean][] = [];
  let result: SendResult = 'sent';
  let pressure = 0;
  const announcements = new Announcements({
    codecs: [jsonCodec, msgpackCodec],
    publishToTopic(topic, frame, compress) {
      published.push([topic, typeof frame === 'string' ? frame : [...frame], compress]);
      return result;
    },
    onPressure: (bytes) => {
      pressure += bytes;
    },
    metrics,
  });
  const [json, msgpack] = [new FakeSocket(), new FakeSocket()];
  announcements.join(jsonCodec, json);
  announcements.join(msgpackCodec, msgpack);

  announcements.degraded();
  const [jsonTopic] = json.topics;
  const [msgpackTopic] = msgpack.topics;
  expect(published).toEqual([
    [jsonTopic, '{"type":"degraded"}', false],
    [msgpackTopic, [0x91, 11], false],
  ]);
  expect([jsonTopic, metrics.degradedTold.value, pressure]).toEqual(['outcry.v1.json', 1, 0]);

  announcements.leave(jsonCodec, json);
  expect([json.topics.size, msgpack.topics.size]).toEqual([0, 1]);
  result = 'buffered';
  announcements.degraded();
  expect(pressure).toBe(19 * 3 + 2);
});
