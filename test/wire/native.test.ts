/**
 * The native protocol over a real socket, in both codecs: what docs/protocol.md promises, message by message.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestClient } from '../support/client.ts';
import { JsonText, NativeClient, type Subprotocol } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode([
    '--node-id',
    'left',
    '--namespaces',
    '{"closed": {"subscribe": "nobody", "publish": "nobody"}, "small": {"maxPayloadBytes": 4}}',
  ]);
});

afterAll(() => node.stop());

/** One client in each codec that says and hears the same things; what differs is only the form. */
interface Form {
  connect: unknown;
  connected: unknown;
  subscribe(...channels: string[]): unknown;
  subscribed(channels: [name: string, sequence: number][], refused?: [name: string, code: number][]): unknown;
  unsubscribe(channel: string): unknown;
  unsubscribed(channel: string): unknown;
  publish(channel: string, payload: unknown, id?: number): unknown;
  published: unknown;
  batch(channel: string, sequence: number, ...payloads: unknown[]): unknown;
  error(id: number | null, code: number): unknown;
  ping: unknown;
  pong: unknown;
  unknownCommand: unknown;
  text(text: string): unknown;
  json(json: unknown): unknown;
  binary(bytes: Uint8Array): unknown;
}

const anyNumber = expect.any(Number);
const anyText = expect.any(String);

const json: Form = {
  connect: { type: 'connect', id: 1, version: 1, client: 'test/1.0', token: 'none' },
  connected: {
    type: 'connected',
    id: 1,
    version: 1,
    node: 'left',
    boot: anyText,
    connection: anyText,
    time: anyNumber,
    pingIntervalMs: anyNumber,
    limits: { maxPayloadBytes: 65_536, maxSubscriptions: 1_000 },
  },
  subscribe: (...channels) => ({ type: 'subscribe', id: 2, channels }),
  subscribed: (channels, refused) => ({
    type: 'subscribed',
    id: 2,
    channels: channels.map(([channel, sequence]) => ({ channel, number: anyNumber, sequence })),
    ...(refused && { refused: refused.map(([channel, code]) => ({ channel, code, message: anyText })) }),
  }),
  unsubscribe: (channel) => ({ type: 'unsubscribe', id: 3, channels: [channel] }),
  unsubscribed: (channel) => ({ type: 'unsubscribed', id: 3, channels: [channel] }),
  publish: (channel, payload, id) => ({ type: 'publish', id, channel, ...(payload as object) }),
  published: { type: 'published', id: 4 },
  batch: (channel, sequence, ...publications) => ({
    type: 'batch',
    channel,
    sequence,
    time: anyNumber,
    publications,
  }),
  error: (id, code) => ({ type: 'error', ...(id !== null && { id }), code, message: anyText }),
  ping: { type: 'ping', id: 5 },
  pong: { type: 'pong', id: 5, time: anyNumber },
  unknownCommand: { type: 'dance', id: 6 },
  text: (text) => ({ text }),
  json: (value) => ({ json: value }),
  binary: (bytes) => ({ binary: Buffer.from(bytes).toString('base64') }),
};

const msgpack: Form = {
  connect: [1, 1, 1, 'test/1.0', 'none'],
  connected: [1, 1, 1, 'left', anyText, anyText, anyNumber, anyNumber, [65_536, 1_000]],
  subscribe: (...channels) => [2, 2, channels],
  subscribed: (channels, refused = []) => [
    2,
    2,
    channels.map(([channel, sequence]) => [channel, anyNumber, sequence]),
    ...(refused.length === 0 ? [] : [refused.map(([channel, code]) => [channel, code, anyText])]),
  ],
  unsubscribe: (channel) => [3, 3, [channel]],
  unsubscribed: (channel) => [3, 3, [channel]],
  publish: (channel, payload, id) => [4, id ?? null, channel, payload],
  published: [4, 4],
  batch: (_channel, sequence, ...payloads) => [7, anyNumber, sequence, anyNumber, payloads],
  error: (id, code) => [9, id, code, anyText],
  ping: [5, 5],
  pong: [6, 5, anyNumber],
  unknownCommand: [99, 6],
  text: (text) => text,
  json: (value) => new JsonText(JSON.stringify(value)),
  binary: (bytes) => Buffer.from(bytes),
};

const rows: [Subprotocol, Form][] = [
  ['outcry.v1.json', json],
  ['outcry.v1.msgpack', msgpack],
];

describe.each(rows)('%s', (subprotocol, form) => {
  const channel = `room of ${subprotocol}`;

  test('connects, subscribes, publishes, hears itself, leaves', async () => {
    const client = await NativeClient.open(node.url, subprotocol);
    client.say(form.connect);
    expect(await client.hear()).toEqual(form.connected);
    client.say(form.subscribe(channel));
    expect(await client.hear()).toEqual(form.subscribed([[channel, 0]]));
    client.say(form.publish(channel, form.json({ a: [1, 'ü'] })));
    expect(await client.hear()).toEqual(form.batch(channel, 1, form.json({ a: [1, 'ü'] })));
    client.say(form.unsubscribe(channel));
    expect(await client.hear()).toEqual(form.unsubscribed(channel));
    client.say(form.publish(channel, form.text('nobody hears this'), 4));
    expect(await client.hear()).toEqual(form.published);
    await client.client.close();
  });

  test('shares its channels with raw rooms: text and JSON are text there, binary is binary', async () => {
    const raw = await TestClient.open(`${node.url}/raw/shared with ${subprotocol}`);
    const native = await NativeClient.connect(node.url, subprotocol);
    const shared = `shared with ${subprotocol}`;
    native.say(form.subscribe(shared));
    expect(await native.hear()).toEqual(form.subscribed([[shared, 0]]));
    const bytes = new Uint8Array([0, 255, 10]);

    for (const payload of [form.text('hällo'), form.json({ b: 1.5 }), form.binary(bytes)]) {
      native.say(form.publish(shared, payload));
      await native.hear();
    }
    expect(await raw.text()).toBe('hällo');
    expect(await raw.text()).toBe('{"b":1.5}');
    expect(await raw.next()).toEqual({ text: false, data: Buffer.from(bytes) });

    raw.send('{"not": "checked"}');
    expect(await native.hear()).toEqual(form.batch(shared, 4, form.text('{"not": "checked"}')));
    raw.send(bytes);
    expect(await native.hear()).toEqual(form.batch(shared, 5, form.binary(bytes)));
    await raw.close();
    await native.client.close();
  });

  test('carries JSON of one publisher to readers of both codecs byte for byte', async () => {
    const text = '{ "a":1.0,"a":2 , "__proto__":[1e999,"\\ud800"] }';
    const name = `bytes of ${subprotocol}`;
    const readers = await Promise.all(rows.map(([other]) => NativeClient.connect(node.url, other)));
    const [jsonReader, msgpackReader] = readers as [NativeClient, NativeClient];
    jsonReader.say(json.subscribe(name));
    await jsonReader.hear();
    msgpackReader.say(msgpack.subscribe(name));
    await msgpackReader.hear();
    const publisher = await NativeClient.connect(node.url, subprotocol);
    if (subprotocol === 'outcry.v1.json')
      publisher.client.send(`{"type":"publish","channel":${JSON.stringify(name)},"json":${text}}`);
    else publisher.say(form.publish(name, new JsonText(text)));
    expect(await jsonReader.client.text()).toContain(`{"json":${text}}`);
    expect(await msgpackReader.hear()).toEqual([7, anyNumber, 1, anyNumber, [new JsonText(text)]]);
    for (const client of [...readers, publisher]) await client.client.close();
  });

  test('answers mistakes with a code and goes on', async () => {
    const client = await NativeClient.open(node.url, subprotocol);
    client.say(form.ping);
    expect(await client.hear()).toEqual(form.error(5, 102));
    client.say(form.connect, form.connect, form.unknownCommand, form.ping);
    expect([await client.hear(), await client.hear(), await client.hear(), await client.hear()]).toEqual([
      form.connected,
      form.error(1, 103),
      form.error(6, 101),
      form.pong,
    ]);
    client.say(form.subscribe('closed:a', '', channel));
    expect(await client.hear()).toEqual(
      form.subscribed(
        [[channel, 0]],
        [
          ['closed:a', 111],
          ['', 105],
        ],
      ),
    );
    client.say(form.publish('closed:a', form.text('x')), form.publish('small:a', form.text('ééé'), 4));
    expect([await client.hear(), await client.hear()]).toEqual([form.error(null, 111), form.error(4, 109)]);
    await client.client.close();
  });

  test('closes with a code what it cannot read, and raises its counter', async () => {
    const before = await node.metric('outcry_connections_closed_total{reason="malformed"}');
    const client = await NativeClient.connect(node.url, subprotocol);
    client.client.send(subprotocol === 'outcry.v1.json' ? '{"type":' : Buffer.from([0x93, 4]));
    expect(await client.client.closed).toEqual({ code: 4500, reason: '{"reason":"malformed"}' });
    await node.untilMetric('outcry_connections_closed_total{reason="malformed"}', before + 1);
  });

  test('closes whom the wrong kind of frame comes from', async () => {
    const client = await NativeClient.connect(node.url, subprotocol);
    client.client.send(subprotocol === 'outcry.v1.json' ? Buffer.from('{}') : 'text');
    expect(await client.client.closed).toMatchObject({ code: 4500 });
  });
});

test('many publications of one turn travel in one frame, in order', async () => {
  const client = await NativeClient.connect(node.url, 'outcry.v1.json');
  client.say(json.subscribe('busy'));
  await client.hear();
  const payloads = Array.from({ length: 200 }, (_, i) => json.json(i));
  client.say(...payloads.map((payload) => json.publish('busy', payload)));
  const heard: unknown[] = [];
  let frames = 0;
  while (heard.length < payloads.length) {
    const batch = (await client.hear()) as { publications: unknown[]; sequence: number };
    heard.push(...batch.publications);
    frames += 1;
    expect(batch.sequence).toBe(heard.length);
  }
  expect(heard).toEqual(payloads);
  expect(frames).toBe(1);
  await client.client.close();
});

test('a client that does not connect is closed in time', async () => {
  const hasty = await startNode(['--connect-timeout-ms', '100']);
  const client = await NativeClient.open(hasty.url, 'outcry.v1.json');
  expect(await client.client.closed).toEqual({ code: 4501, reason: '{"reason":"connect_timeout"}' });
  await hasty.stop();
});

test('a client that says nothing is asked for a sign of life in the protocol', async () => {
  const impatient = await startNode(['--idle-timeout-ms', '300']);
  const client = await NativeClient.connect(impatient.url, 'outcry.v1.msgpack');
  expect(await client.hear()).toEqual([5]);
  client.say([6]);
  expect(await client.hear()).toEqual([5]);
  expect((await client.client.closed).code).toBe(1006);
  await impatient.stop();
});

test('a node that stops says so', async () => {
  const leaving = await startNode();
  const client = await NativeClient.connect(leaving.url, 'outcry.v1.json');
  leaving.signal('SIGTERM');
  expect(await client.client.closed).toEqual({
    code: 1001,
    reason: expect.stringMatching(/^\{"reason":"stopping","retryAfterMs":\d+\}$/),
  });
  await leaving.exited;
});
