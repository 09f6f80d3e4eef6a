/**
 * Programs publish over HTTP; raw and native clients hear it. Runs on the runtime that `OUTCRY_RUNTIME` names.
 */
import { on, once } from 'node:events';
import { pack } from 'msgpackr';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { post } from '../support/api.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';

const namespaces = JSON.stringify({
  feed: { publish: 'api' },
  closed: { publish: 'nobody' },
  short: { maxPayloadBytes: 4 },
});

let node: TestNode;
beforeAll(async () => {
  node = await startNode(['--namespaces', namespaces]);
});
afterAll(async () => {
  await node?.stop();
});

async function listener(channel: string): Promise<TestClient> {
  const client = await TestClient.open(`${node.url}/raw/${encodeURIComponent(channel)}`);
  onTestFinished(() => client.close());
  return client;
}

describe('one publication', () => {
  it.each<[string, string, string | number[]]>([
    ['JSON, byte for byte', '{"channel":"one","json":{"a":1.0, "a":2}}', '{"a":1.0, "a":2}'],
    ['text', '{"channel":"one","text":"h\\u00e9 \\ud83d\\ude00"}', 'hé 😀'],
    ['binary', '{"channel":"one","binary":"AP8="}', [0, 255]],
  ])('reaches whoever listens: %s', async (_kind, body, expected) => {
    const client = await listener('one');
    expect(await post(node, 'publish', body)).toMatchObject({ status: 200, body: { published: 1 } });
    const heard = await client.next();
    expect(heard.text ? heard.data.toString() : [...heard.data]).toEqual(expected);
  });

  it('reaches a native client as what it was', async () => {
    const socket = new WebSocket(node.url, 'outcry.v1.json');
    const messages = on(socket, 'message');
    const next = async () => JSON.parse(String((await messages.next()).value[0]));
    await once(socket, 'open');
    socket.send('{"type":"connect","id":1,"version":1}{"type":"subscribe","id":2,"channels":["native"]}');
    expect([(await next()).type, (await next()).type]).toEqual(['connected', 'subscribed']);
    await post(node, 'publish', '{"publications":[{"channel":"native","json":[1]}]}');
    expect(await next()).toMatchObject({ type: 'batch', channel: 'native', publications: [{ json: [1] }] });
    socket.close();
  });

  it('comes as MessagePack, JSON as an extension', async () => {
    const client = await listener('packed');
    const type = { 'Content-Type': 'application/msgpack' };
    expect((await post(node, 'publish', pack(['packed', 'text']), type)).status).toBe(200);
    const json = Buffer.concat([
      pack(['packed', '']).subarray(0, -1),
      Buffer.from([0xc7, 5, 1]),
      Buffer.from('[1.0]'),
    ]);
    expect((await post(node, 'publish', json, type)).status).toBe(200);
    expect([await client.text(), await client.text()]).toEqual(['text', '[1.0]']);
  });

  it('may be published where clients may not', async () => {
    const client = await listener('feed:EUR');
    expect((await post(node, 'publish', { channel: 'feed:EUR', json: 1 })).status).toBe(200);
    expect(await client.text()).toBe('1');
    client.send('mine');
    expect((await client.closed).code).toBe(4503);
  });

  it.each<[unknown, number, number, string]>([
    [{ channel: 'closed:x', json: 1 }, 403, 111, 'not_permitted'],
    [{ channel: 'short:x', json: 12_345 }, 413, 109, 'payload_too_big'],
    [{ channel: '', json: 1 }, 400, 105, 'bad_channel'],
    [{ channel: 'a\r\nb', json: 1 }, 400, 105, 'bad_channel'],
    [{ channel: 'a' }, 400, 110, 'bad_payload'],
    ['{', 400, 100, 'bad_request'],
    ['', 400, 100, 'bad_request'],
  ])('is refused with a code: %j', async (body, status, code, name) => {
    const reply = await post(node, 'publish', body);
    expect(reply).toMatchObject({ status, body: { error: { code, name, message: expect.any(String) } } });
  });

  it.each(['__proto__', 'constructor', 'toString:x', '*', '?', '[a]', '{a}{b}', '../x', '\u202eabc'])(
    'takes the channel %j as plain data',
    async (channel) => {
      const client = await listener(channel);
      expect((await post(node, 'publish', { channel, json: { __proto__: 1 } })).status).toBe(200);
      expect(await client.text()).toBe('{}');
    },
  );
});

describe('a batch', () => {
  it('reaches many channels in order', async () => {
    const [a, b] = await Promise.all([listener('batch-a'), listener('batch-b')]);
    const publications = [
      { channel: 'batch-a', json: 1 },
      { channel: 'batch-b', text: 'x' },
      { channel: 'batch-a', json: 2 },
    ];
    expect(await post(node, 'publish', { publications })).toMatchObject({
      status: 200,
      body: { published: 3 },
    });
    expect([await a.text(), await a.text(), await b.text()]).toEqual(['1', '2', 'x']);
  });

  it('holds ten thousand and no more, and is published as a whole or not at all', async () => {
    const client = await listener('batch-c');
    const publications = new Array(10_000).fill({ channel: 'nobody listens', json: 1 });
    expect((await post(node, 'publish', { publications })).body).toEqual({ published: 10_000 });
    publications.unshift({ channel: 'batch-c', json: 'not this' });
    expect(await post(node, 'publish', { publications })).toMatchObject({
      status: 413,
      body: { error: { code: 100 } },
    });
    publications.length = 2;
    publications[1] = { channel: 'closed:x', json: 1 };
    expect(await post(node, 'publish', { publications })).toMatchObject({ status: 403, body: { index: 1 } });
    await post(node, 'publish', { channel: 'batch-c', json: 'only this' });
    expect(await client.text()).toBe('"only this"');
  });
});

describe('a stream of lines', () => {
  const ndjson = { 'Content-Type': 'application/x-ndjson' };

  it('is published line by line, mistakes and all', async () => {
    const client = await listener('lines');
    const body =
      '{"channel":"lines","json":1}\nnonsense\n{"channel":"closed:x","json":1}\n{"channel":"lines","json":2}';
    expect(await post(node, 'publish', body, ndjson)).toMatchObject({
      status: 200,
      body: {
        published: 2,
        refused: 2,
        unknown: 0,
        errors: [
          { line: 2, code: 100 },
          { line: 3, code: 111 },
        ],
      },
    });
    expect([await client.text(), await client.text()]).toEqual(['1', '2']);
  });

  it('is published while it still comes', async () => {
    const client = await listener('live');
    let push: (text: string) => void = () => {};
    let end: () => void = () => {};
    const body = new ReadableStream({
      start(controller) {
        push = (text) => controller.enqueue(new TextEncoder().encode(text));
        end = () => controller.close();
      },
    });
    const reply = fetch(`http://127.0.0.1:${node.adminPort}/api/publish`, {
      method: 'POST',
      headers: ndjson,
      body,
      duplex: 'half',
    } as RequestInit);
    push('{"channel":"live","json":1}\n{"channel":"li');
    expect(await client.text()).toBe('1');
    push('ve","json":2}\n');
    expect(await client.text()).toBe('2');
    end();
    expect(await (await reply).json()).toEqual({ published: 2, refused: 0, unknown: 0, errors: [] });
  });

  it('may be long', async () => {
    const line = `{"channel":"long","text":"${'x'.repeat(1_000)}"}\n`;
    const { body } = await post(node, 'publish', line.repeat(20_000), ndjson);
    expect(body).toEqual({ published: 20_000, refused: 0, unknown: 0, errors: [] });
  });
});

it('counts what it is asked and what it answers', async () => {
  const before = await node.metric('outcry_api_publications_total');
  const errors = await node.metric('outcry_api_errors_total{error="not_permitted"}');
  await post(node, 'publish', { channel: 'counted', json: 1 });
  await post(node, 'publish', { channel: 'closed:x', json: 1 });
  expect(await node.metric('outcry_api_publications_total')).toBe(before + 1);
  expect(await node.metric('outcry_api_errors_total{error="not_permitted"}')).toBe(errors + 1);
  expect(await node.metric('outcry_api_replies_total{status="403"}')).toBeGreaterThan(0);
  expect(await node.metric('outcry_api_requests_open')).toBe(0);
});
