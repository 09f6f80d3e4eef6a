/**
 * The SDK against real nodes, in both codecs.
 */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { Client, type ClientEvents, type ClientOptions } from '../../src/client/client.ts';
import { json } from '../../src/client/payload.ts';
import type { Surroundings } from '../../src/client/surroundings.ts';
import { Chronicle } from '../support/chronicle.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { calm, hurried } from '../support/surroundings.ts';
import { until } from '../support/until.ts';

const namespaces = {
  closed: { subscribe: 'nobody', publish: 'nobody' },
  small: { maxPayloadBytes: 10 },
  packed: { compress: true },
};

let node: TestNode;
const clients: Client[] = [];

beforeAll(async () => {
  node = await startNode(['--node-id', 'left', '--namespaces', JSON.stringify(namespaces)]);
});
afterAll(async () => {
  await node.stop();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

interface ConnectOptions extends ClientOptions {
  around?: Surroundings;
  url?: string;
}

function connect({ around = calm, url = node.url, ...options }: ConnectOptions = {}): Client {
  const client = new Client(url, options, around);
  clients.push(client);
  return client;
}

function next<Name extends keyof ClientEvents>(client: Client, name: Name): Promise<ClientEvents[Name]> {
  return new Promise((resolve) => {
    const leave = client.on(name, (event) => {
      leave();
      resolve(event);
    });
  });
}

/** A channel that no other test uses. */
function aChannel(): string {
  return `channel-${crypto.randomUUID()} ü`;
}

describe.each(['json', 'msgpack'] as const)('in %s', (codec) => {
  it('compressed batches arrive whole and in order', async () => {
    const channel = `packed:${codec}`;
    const client = connect({ codec });
    const subscription = client.subscribe(channel);
    await subscription.ready();
    const said = Array.from({ length: 300 }, (_, number) => ({ number, text: 'again '.repeat(number) }));
    for (const each of said) void client.publish(channel, each);
    const heard: unknown[] = [];
    for await (const { data } of subscription) if (heard.push(data) === said.length) break;
    expect(heard).toEqual(said);
  });

  it('everybody gets what anybody publishes, as it was, the publisher too', async () => {
    const channel = aChannel();
    const [ada, grace] = [connect({ codec }), connect({ codec: 'json' })];
    const subscriptions = [ada, grace].map((client) => client.subscribe(channel));
    const chronicles = subscriptions.map((subscription) => Chronicle.of(subscription));
    await Promise.all(subscriptions.map((subscription) => subscription.ready()));
    const said = [
      'text with "quotes", \n, ü and 😀',
      { text: 'hi', list: [1, 2.5, null, { deep: true }] },
      json('a string of JSON'),
      null,
      Uint8Array.of(0, 1, 254, 255),
      new Uint8Array(),
      '',
    ];
    for (const data of said) expect(await ada.publish(channel, data)).toMatchObject({ degraded: false });
    const heard = said.with(2, 'a string of JSON');
    for (const chronicle of chronicles) {
      await chronicle.reaches(heard.length + 1);
      expect(chronicle.entries).toEqual(['subscribed', ...heard]);
    }
  });

  it('ten thousand publications arrive in order, each once, and young', async () => {
    const channel = aChannel();
    const [publisher, subscriber] = [connect({ codec }), connect({ codec })];
    const subscription = subscriber.subscribe<number>(channel, { maxWaiting: 10_000 });
    await subscription.ready();
    const published = Promise.all(
      Array.from({ length: 10_000 }, (_, index) => publisher.publish(channel, index)),
    );
    let expected = 0;
    for await (const { data, sequence, age } of subscription) {
      expect(data).toBe(expected);
      expected += 1;
      expect(sequence).toBe(expected);
      expect(age).toBeLessThan(10_000);
      if (expected === 10_000) break;
    }
    await published;
  });

  it('payloads may have any form of JSON, newlines too', async () => {
    const channel = aChannel();
    const chronicle = Chronicle.of(connect({ codec }).subscribe(channel));
    await chronicle.has('subscribed');
    const socket = new WebSocket(node.url, 'outcry.v1.json');
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    const payload = '{ "a": [{}\n,\n{}],\n"b": "}\\n{",\n"c": 1.0 }';
    socket.send(`{"type":"connect","id":1,"version":1}`);
    socket.send(`{"type":"publish","channel":${JSON.stringify(channel)},"json":${payload}}`);
    await chronicle.reaches(2);
    expect(chronicle.entries[1]).toEqual(JSON.parse(payload));
  });

  it('refusals say what is wrong, and the connection stays', async () => {
    const client = connect({ codec });
    await expect(client.publish('closed:room', 'hi')).rejects.toMatchObject({
      name: 'not_permitted',
      code: 111,
    });
    await expect(client.publish('', 'hi')).rejects.toMatchObject({ name: 'bad_channel', code: 105 });
    await expect(client.publish('small:room', 'x'.repeat(11))).rejects.toMatchObject({
      name: 'payload_too_big',
      code: 109,
    });
    await expect(client.publish('chat', new Uint8Array(65_536))).rejects.toMatchObject({
      name: 'payload_too_big',
    });
    const [refused, granted] = [client.subscribe('closed:room'), client.subscribe(aChannel())];
    await expect(refused.ready()).rejects.toMatchObject({ name: 'not_permitted' });
    await granted.ready();
    expect(client.state).toBe('connected');
  });

  it('a thousand channels are joined at once, and one more is refused', async () => {
    const client = connect({ codec });
    const subscriptions = Array.from({ length: 1_000 }, (_, index) => client.subscribe(`many:${index}`));
    await Promise.all(subscriptions.map((subscription) => subscription.ready()));
    await expect(client.subscribe('many:1000').ready()).rejects.toMatchObject({
      name: 'too_many_subscriptions',
    });
    const [last] = subscriptions.slice(-1);
    last?.unsubscribe();
    await client.subscribe('many:1000').ready();
  });

  it('plain WebSockets are in the same channels', async () => {
    const channel = aChannel();
    const room = await TestClient.open(`${node.url}/raw/${encodeURIComponent(channel)}`);
    onTestFinished(() => room.close());
    const client = connect({ codec });
    const chronicle = Chronicle.of(client.subscribe(channel));
    await chronicle.has('subscribed');
    room.send('from the room');
    await chronicle.has('from the room');
    expect(await room.text()).toBe('from the room');
    await client.publish(channel, { from: 'the SDK' });
    expect(await room.text()).toBe('{"from":"the SDK"}');
  });

  it('a node that dies is waited for: what is published meanwhile arrives, what may be missing is told', async () => {
    const [port] = await freePorts(1);
    const first = await startNode(['--port', String(port)]);
    const client = connect({ codec, url: first.url });
    const subscription = client.subscribe('chat');
    const chronicle = Chronicle.of(subscription);
    await client.publish('chat', 'before');
    await chronicle.has('before');
    const disconnected = next(client, 'disconnected');
    await first.kill();
    expect(await disconnected).toMatchObject({ code: 1006 });
    const published = client.publish('chat', 'meanwhile');
    const second = await startNode(['--port', String(port)]);
    onTestFinished(async () => void (await second.stop()));
    expect(await published).toMatchObject({ degraded: false });
    await subscription.ready();
    await client.publish('chat', 'after');
    await chronicle.has('after');
    expect(chronicle.entries.slice(0, 4)).toEqual([
      'subscribed',
      'before',
      'gap: reconnect null',
      'subscribed',
    ]);
  });
});

it('learns from a node that stops that it may come back', async () => {
  const stopping = await startNode();
  const client = connect({ url: stopping.url });
  await client.ready();
  const disconnected = next(client, 'disconnected');
  await stopping.stop();
  expect(await disconnected).toMatchObject({ code: 1001, reason: 'stopping' });
  await client.close();
});

it('notices a node that hangs', async () => {
  const hanging = await startNode(['--idle-timeout-ms', '3000']);
  onTestFinished(async () => void (await hanging.kill()));
  const client = connect({ url: hanging.url, around: hurried });
  await client.ready();
  const disconnected = next(client, 'disconnected');
  hanging.freeze();
  expect(await disconnected).toMatchObject({ code: 1006, reason: 'silent' });
});

it('says how old a publication is by the clock of the node, whatever the clock of this machine says', async () => {
  const now = Date.now;
  Date.now = () => now() - 86_400_000;
  onTestFinished(() => {
    Date.now = now;
  });
  const channel = aChannel();
  const client = connect();
  const first = client.subscribe(channel)[Symbol.asyncIterator]().next();
  await client.publish(channel, 'hi');
  const { value } = await first;
  expect(value.age).toBeGreaterThanOrEqual(0);
  expect(value.age).toBeLessThan(5_000);
});

describe('behind a bridge', () => {
  it('is told when the other nodes are out of reach, and that something may be missing when they are back', async () => {
    const redis = await TestRedis.start();
    onTestFinished(() => redis.kill());
    const nodes = await Promise.all(
      ['left', 'right'].map((id) => startNode(['--node-id', id, '--redis', redis.url])),
    );
    onTestFinished(async () => void (await Promise.all(nodes.map((each) => each.stop()))));
    const allSay = (status: number) =>
      Promise.all(
        nodes.map((each) =>
          until(
            () => each.ready(),
            (said) => said === status,
          ),
        ),
      );
    await allSay(200);
    const [left, right] = nodes.map(({ url }) => connect({ url })) as [Client, Client];
    const chronicle = Chronicle.of(right.subscribe('chat'));
    await chronicle.has('subscribed');
    expect(await left.publish('chat', 'hi')).toMatchObject({ degraded: false });
    await chronicle.has('hi');

    await redis.kill();
    await allSay(503);
    const degraded = next(left, 'degraded');
    expect(await left.publish('chat', 'here only')).toMatchObject({ degraded: true });
    expect(await degraded).toEqual({ channel: 'chat' });
    const late = Chronicle.of(right.subscribe('late'));
    await late.has('subscribed, degraded');

    await redis.start();
    await chronicle.has('gap: bridge_away null');
    await until(
      () => left.publish('chat', 'again'),
      (published) => !published.degraded,
    );
    await chronicle.has('again');
    expect(chronicle.entries).not.toContain('here only');
  });
});

it('is served to pages as one module', async () => {
  const response = await fetch(`${node.pageUrl}/outcry.js`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.text()).toMatch(/export\{.*\bconnect\b/);
});
