/**
 * `outcry publish` and `outcry subscribe` against a real node, as somebody types them.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TestCommand } from '../support/command.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { until } from '../support/until.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode(['--namespaces', '{"closed": {"subscribe": "nobody", "publish": "nobody"}}']);
});

afterAll(() => node.stop());

const api = () => ['--api', `http://127.0.0.1:${node.adminPort}`];
const publish = (args: string[], input = '') => new TestCommand(['publish', ...args, ...api()], input);

/** A subscriber that has joined its channels. */
async function subscribe(channels: string[], ...flags: string[]): Promise<TestCommand> {
  const before = await node.metric('outcry_subscriptions_open');
  const command = new TestCommand(['subscribe', ...channels, '--url', node.url, ...flags]);
  onTestFinished(() => command.signal('SIGTERM'));
  await node.untilMetric('outcry_subscriptions_open', before + channels.length);
  return command;
}

const objects = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

describe('publishing', () => {
  test.each([
    ['text', 'hello', [], { text: 'hello' }],
    ['JSON for what looks like it', '{"bid": 1.5}', [], { json: { bid: 1.5 } }],
    ['text for what looks like JSON, if told', '42', ['--text'], { text: '42' }],
    ['an empty text', '', [], { text: '' }],
  ])('takes %s', async (what, data, flags, heard) => {
    const channel = `takes ${what}`;
    const subscriber = await subscribe([channel], '--count', '1');
    const publisher = publish([channel, data, ...flags]);
    expect(await publisher.exited).toBe(0);
    expect(publisher.printed).toEqual(['{"published":1}']);
    expect(await subscriber.exited).toBe(0);
    const time = expect.any(Number);
    expect(objects(subscriber.printed)).toEqual([{ channel, sequence: 1, time, ...heard }]);
  });

  test('takes one payload per line of the input, and no empty ones', async () => {
    const subscriber = await subscribe(['lines'], '--count', '3', '--payload');
    expect(await publish(['lines', '-'], 'one\n\n{"a": 1}\r\nthree').exited).toBe(0);
    expect(await subscriber.exited).toBe(0);
    expect(subscriber.printed).toEqual(['one', '{"a":1}', 'three']);
  });

  test('takes what another prints, gaps aside', async () => {
    const subscriber = await subscribe(['left', 'right'], '--count', '2', '--payload');
    const lines =
      '{"channel":"left","sequence":7,"time":1,"json":[1]}\n{"channel":"right","binary":"AP8="}\n';
    expect(await publish(['-'], lines).exited).toBe(0);
    expect(await subscriber.exited).toBe(0);
    expect(subscriber.printed.toSorted()).toEqual(['AP8=', '[1]']);
  });

  test('says which lines were refused, and fails', async () => {
    const publisher = publish(['-'], '{"channel":"x","text":"fine"}\nnonsense\n');
    expect(await publisher.exited).toBe(1);
    expect(objects(publisher.printed)).toMatchObject([{ published: 1, refused: 1, errors: [{ line: 2 }] }]);
  });

  test.each([
    ['JSON that is none', ['chat', '{', '--json'], 1, /^outcry: the node refused: .*\(100 bad_request\)$/],
    ['what is not permitted', ['closed:a', 'x'], 1, /^outcry: the node refused: .*\(111 not_permitted\)$/],
    ['a channel that is none', ['', 'x'], 1, /^outcry: the node refused: .*\(105 bad_channel\)$/],
    ['both kinds', ['chat', 'x', '--json', '--text'], 2, /^outcry: option '--json' cannot be used/],
    ['no channel', [], 2, /^outcry: missing required argument 'channel'/],
  ])('refuses %s in one sentence', async (_what, args, code, sentence) => {
    const publisher = publish(args);
    expect(await publisher.exited).toBe(code);
    expect(publisher.notes).toHaveLength(1);
    expect(publisher.notes[0]).toMatch(sentence);
    expect(publisher.printed).toEqual([]);
  });

  test.each([
    ['nobody', 'http://127.0.0.1:1', 1, /^outcry: no node answers at http:\/\/127\.0\.0\.1:1: start one/],
    ['nonsense', 'nonsense', 2, /^outcry: --api: "nonsense" is not an address/],
  ])('to %s says what is wrong', async (_what, address, code, sentence) => {
    const publisher = new TestCommand(['publish', 'chat', 'x', '--api', address]);
    expect(await publisher.exited).toBe(code);
    expect(publisher.notes[0]).toMatch(sentence);
  });

  test('to the public listener says where to go', async () => {
    const publisher = new TestCommand(['publish', 'chat', 'x', '--api', node.pageUrl]);
    expect(await publisher.exited).toBe(1);
    expect(publisher.notes[0]).toMatch(/is not the API of a node/);
  });

  test('sends an idempotency key, a key and a deletion', async () => {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      bodies.push((await request.toArray()).join(''));
      response.end('{"published":1}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const args of [
      ['chat', 'order', '--idempotency-key', '"7"'],
      ['board', '1.08', '--key', 'EUR'],
      ['board', '--key', 'EUR', '--delete'],
    ])
      expect(await new TestCommand(['publish', ...args, '--api', address]).exited).toBe(0);
    expect(bodies).toEqual([
      '{"channel":"chat","text":"order","idempotencyKey":"\\"7\\""}',
      '{"channel":"board","json":1.08,"key":"EUR"}',
      '{"channel":"board","deleted":true,"key":"EUR"}',
    ]);
  });

  test('sends the key, from the flag or the environment', async () => {
    const key = 'correct horse battery';
    const guarded = await startNode(['--admin-key', key]);
    onTestFinished(() => guarded.stop().then(() => {}));
    const address = ['--api', `http://127.0.0.1:${guarded.adminPort}`];
    expect(await new TestCommand(['publish', 'chat', 'x', ...address]).exited).toBe(1);
    expect(await new TestCommand(['publish', 'chat', 'x', ...address, '--admin-key', key]).exited).toBe(0);
    const fromEnvironment = new TestCommand(['publish', 'chat', 'x', ...address], '', {
      OUTCRY_ADMIN_KEY: key,
    });
    expect(await fromEnvironment.exited).toBe(0);
  });
});

describe('subscribing', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('ends well with %s', async (signal) => {
    const subscriber = await subscribe([`ends with ${signal}`]);
    subscriber.signal(signal);
    expect(await subscriber.exited).toBe(0);
    expect(subscriber.notes).toEqual([expect.stringMatching(/^outcry: connected to /)]);
  });

  test('speaks MessagePack too', async () => {
    const subscriber = await subscribe(['msgpack'], '--codec', 'msgpack', '--count', '1');
    await publish(['msgpack', '{"a":[1,null]}']).exited;
    expect(await subscriber.exited).toBe(0);
    expect(objects(subscriber.printed)).toMatchObject([{ json: { a: [1, null] } }]);
  });

  test('to what is not permitted fails with the code', async () => {
    const subscriber = new TestCommand(['subscribe', 'closed:a', '--url', node.url]);
    expect(await subscriber.exited).toBe(1);
    expect(subscriber.notes.at(-1)).toMatch(/\(111 not_permitted\)$/);
  });

  test('waits for a node that is not there, and says so', async () => {
    const subscriber = new TestCommand(['subscribe', 'chat', '--url', 'ws://127.0.0.1:1']);
    await subscriber.untilNote(/^outcry: no node answers at ws:\/\/127\.0\.0\.1:1, trying again in \d+ ms$/);
    subscriber.signal('SIGINT');
    expect(await subscriber.exited).toBe(0);
  });

  test('prints a gap where it happened when its node was killed and comes back', async () => {
    const mortal = await startNode();
    const subscriber = new TestCommand(['subscribe', 'chat', '--url', mortal.url]);
    onTestFinished(() => subscriber.signal('SIGTERM'));
    await mortal.untilMetric('outcry_subscriptions_open', 1);
    const say = async (text: string, to: TestNode) =>
      await new TestCommand(['publish', 'chat', text, '--api', `http://127.0.0.1:${to.adminPort}`]).exited;
    await say('before', mortal);
    await subscriber.untilPrinted(1);
    await mortal.kill();
    const successor = await startNode(['--port', String(mortal.port)]);
    onTestFinished(() => successor.stop().then(() => {}));
    await successor.untilMetric('outcry_subscriptions_open', 1);
    await say('after', successor);
    await subscriber.untilPrinted(3);
    expect(objects(subscriber.printed)).toMatchObject([
      { channel: 'chat', text: 'before' },
      { channel: 'chat', gap: 'reconnect', missed: null },
      { channel: 'chat', text: 'after' },
    ]);
    subscriber.signal('SIGINT');
    expect(await subscriber.exited).toBe(0);
  });

  test('ends quietly when nobody reads its lines any more', async () => {
    const subscriber = new TestCommand(['subscribe', 'pipe', '--url', node.url]);
    await until(
      () => node.metric('outcry_subscriptions_open'),
      (open) => open > 0,
    );
    subscriber.stopReading();
    await publish(['pipe', 'one']).exited;
    await publish(['pipe', 'two']).exited;
    expect(await subscriber.exited).toBe(0);
  });
});
