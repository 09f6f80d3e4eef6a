/**
 * Requests to the API that break the rules: each is refused before it costs anything, and the node lives.
 */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { api, post } from '../support/api.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { RawPeer } from '../support/raw-peer.ts';

const key = 'correct horse battery';
const bearer = { Authorization: `Bearer ${key}` };
/** What 100 MB may add to a process that does not keep them. */
const slackBytes = 64 * 1_048_576;

let node: TestNode;
let open: TestNode;
beforeAll(async () => {
  [node, open] = await Promise.all([
    startNode(['--admin-key', key, '--max-api-requests', '2']),
    startNode(['--max-api-body-bytes', '65536']),
  ]);
});
afterAll(async () => {
  await Promise.all([node?.stop(), open?.stop()]);
});
afterEach(async () => {
  expect((await post(open, 'publish', { channel: 'a', json: 1 })).status).toBe(200);
});

function head(lines: string[], path = '/api/publish', method = 'POST'): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n');
}

/** Sends bytes until the peer answers or hangs up. Resolves with what it said and how many bytes it was sent. */
async function flood(port: number, start: string, piece: Buffer, bytes: number) {
  return await new Promise<{ answer: string; sent: number }>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    let sent = 0;
    const done = () => {
      socket.destroy();
      resolve({ answer, sent });
    };
    socket.on('data', (data) => {
      answer += data;
      if (answer.includes('\r\n\r\n')) done();
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(start);
    const more = () => {
      while (sent < bytes && !socket.destroyed) {
        sent += piece.length;
        if (!socket.write(piece)) return void socket.once('drain', more);
      }
    };
    more();
  });
}

describe('a body', () => {
  it('of 100 MB that says so is refused before it is read', async () => {
    const before = await open.residentBytes();
    const start = head(['Content-Type: application/json', 'Content-Length: 104857600']);
    const { answer } = await flood(open.adminPort, start, Buffer.alloc(65_536, 0x20), 104_857_600);
    expect(answer).toMatch(/^HTTP\/1\.1 (100 Continue\r\n\r\nHTTP\/1\.1 )?413 /);
    expect(await open.residentBytes()).toBeLessThan(before + slackBytes);
  });

  it('that says so and never comes is refused at once', async () => {
    const peer = new RawPeer(open.adminPort);
    peer.send(head(['Content-Type: application/json', 'Content-Length: 65537']));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 413 /);
    peer.destroy();
  });

  it('in chunks without end is cut off', async () => {
    const before = await open.residentBytes();
    const start = head(['Content-Type: application/json', 'Transfer-Encoding: chunked']);
    const piece = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(16_384, 0x20), Buffer.from('\r\n')]);
    const { sent } = await flood(open.adminPort, start, piece, 1_073_741_824);
    expect(sent).toBeLessThan(slackBytes);
    expect(await open.residentBytes()).toBeLessThan(before + slackBytes);
  });

  it('as a line without end is cut off', async () => {
    const before = await open.residentBytes();
    const start = head(['Content-Type: application/x-ndjson', 'Transfer-Encoding: chunked']);
    const piece = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(16_384, 0x20), Buffer.from('\r\n')]);
    const { sent } = await flood(open.adminPort, start, piece, 1_073_741_824);
    expect(sent).toBeLessThan(slackBytes);
    expect(await open.residentBytes()).toBeLessThan(before + slackBytes);
  });

  it('in chunks is read like any other', async () => {
    const peer = new RawPeer(open.adminPort);
    const body = '{"channel":"a","json":1}';
    peer.send(head(['Content-Type: application/json', 'Transfer-Encoding: chunked']));
    for (const byte of body) peer.send(`1\r\n${byte}\r\n`);
    peer.send('0\r\n\r\n');
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    peer.destroy();
  });

  it('that is waited for with Expect comes after 100, or not at all when it is too large', async () => {
    const peer = new RawPeer(open.adminPort);
    const body = '{"channel":"a","json":1}';
    const lines = ['Content-Type: application/json', 'Expect: 100-continue'];
    peer.send(head([...lines, `Content-Length: ${body.length}`]));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 100 /);
    peer.send(body);
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    peer.destroy();

    const greedy = new RawPeer(open.adminPort);
    greedy.send(head([...lines, 'Content-Length: 104857600']));
    const first = await greedy.head();
    expect(first.startsWith('HTTP/1.1 100 ') ? await greedy.head() : first).toMatch(/^HTTP\/1\.1 413 /);
    greedy.destroy();
  });

  it.each(['application/json', 'application/x-ndjson'])(
    'that ends too early publishes nothing: %s',
    async (type) => {
      const before = await open.metric('outcry_api_publications_total');
      const peer = new RawPeer(open.adminPort);
      peer.send(head([`Content-Type: ${type}`, 'Content-Length: 1000']));
      peer.send('{"channel":"a","json":1}');
      await open.untilMetric('outcry_api_requests_open', 1);
      peer.destroy();
      await open.untilMetric('outcry_api_requests_open', 0);
      expect(await open.metric('outcry_api_publications_total')).toBe(before);
    },
  );

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ])('of the type %s is refused', async (type) => {
    const reply = await post(open, 'publish', '{"channel":"a","json":1}', { 'Content-Type': type });
    expect(reply).toMatchObject({ status: 415, body: { error: { code: 100 } } });
  });

  it('without a length is none', async () => {
    const peer = new RawPeer(open.adminPort);
    peer.send(head(['Content-Type: application/json']));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 400 /);
    peer.destroy();
    const lines = new RawPeer(open.adminPort);
    lines.send(head(['Content-Type: application/x-ndjson']));
    expect(await lines.head()).toMatch(/^HTTP\/1\.1 200 /);
    lines.destroy();
  });
});

describe('the key', () => {
  it.each([
    ['absent', ''],
    ['wrong in its first byte', `Bearer X${key.slice(1)}`],
    ['wrong in its last byte', `Bearer ${key.slice(0, -1)}X`],
    ['too short', `Bearer ${key.slice(1)}`],
    ['in the wrong case', `Bearer ${key.toUpperCase()}`],
    ['of another scheme', `Basic ${key}`],
    ['sent twice', `Bearer ${key}, Bearer ${key}`],
  ])('is refused when it is %s', async (_what, authorization) => {
    const reply = await post(
      node,
      'publish',
      { channel: 'a', json: 1 },
      authorization === '' ? {} : { Authorization: authorization },
    );
    expect(reply).toMatchObject({ status: 401, body: { error: { code: 111, name: 'not_permitted' } } });
    expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer /);
    expect(JSON.stringify(reply.body)).not.toContain(key);
  });

  it('opens every route, in the log it never stands', async () => {
    for (const path of ['counts', 'channels', 'nodes', 'channels/a', 'openapi.json'])
      expect((await api(node, path, { headers: bearer })).status).toBe(200);
    for (const path of ['counts', 'channels', 'nodes', 'channels/a', 'openapi.json', 'nothing'])
      expect((await api(node, path)).status).toBe(401);
    expect(node.logs.join('\n')).not.toContain(key);
  });
});

describe('a request', () => {
  it.each([
    ['GET', 'publish', 'POST'],
    ['GET', 'disconnect', 'POST'],
    ['POST', 'counts', 'GET, HEAD'],
    ['DELETE', 'channels', 'GET, HEAD'],
    ['PUT', 'publish', 'POST'],
  ])('by %s to %s is refused with what is allowed', async (method, path, allow) => {
    const reply = await api(open, path, { method });
    expect(reply).toMatchObject({ status: 405, body: { error: { code: 100 } } });
    expect(reply.headers.get('allow')).toBe(allow);
  });

  it.each(['nothing', '', 'publish/', 'Publish', 'channels%2Fa'])(
    'to /api/%s finds nothing',
    async (path) => {
      expect(await api(open, path)).toMatchObject({ status: 404, body: { error: { code: 101 } } });
    },
  );

  it('for a name that is not this machine’s is refused where there is no key', async () => {
    const peer = new RawPeer(open.adminPort);
    peer.send('GET /api/nodes HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 403 /);
    peer.destroy();
  });

  it('beyond those that may be under way is told to come later', async () => {
    const slow = [1, 2].map(() => {
      const peer = new RawPeer(node.adminPort);
      peer.send(
        head(['Content-Type: application/json', `Authorization: Bearer ${key}`, 'Content-Length: 24']),
      );
      return peer;
    });
    const headers = { headers: bearer };
    const waiting = async () => (await fetch(`http://127.0.0.1:${node.adminPort}/metrics`, headers)).text();
    while (!(await waiting()).includes('\noutcry_api_requests_open 2\n'));
    const refused = await post(node, 'publish', { channel: 'a', json: 1 }, bearer);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: 202, name: 'too_fast' } } });
    expect(refused.headers.get('retry-after')).toBe('1');
    for (const peer of slow) peer.send('{"channel":"a","json":1}');
    for (const peer of slow) expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    for (const peer of slow) peer.destroy();
    expect((await post(node, 'publish', { channel: 'a', json: 1 }, bearer)).status).toBe(200);
  });

  it('to the public listener finds no API, and no body is taken there', async () => {
    for (const path of ['api/publish', 'api/counts', 'metrics'])
      expect((await fetch(`http://127.0.0.1:${open.port}/${path}`)).status).toBe(404);
    const reply = await fetch(`http://127.0.0.1:${open.port}/api/publish`, { method: 'POST', body: '{}' });
    expect(reply.status).toBe(405);
  });
});

describe('a question', () => {
  it.each([
    'counts?channel=',
    `counts?channel=${'c'.repeat(201)}`,
    'counts?chanel=a',
    'channels?limit=0',
    'channels?limit=1001',
    'channels?limit=-1',
    'channels?limit=1e2',
    'channels?scope=world',
    'channels?__proto__=1',
    'channels/%00',
    'channels/%ff',
    'channels/',
    `channels/${'c'.repeat(201)}`,
  ])('that makes no sense is refused: %s', async (path) => {
    const { status, body } = await api(open, path);
    expect([status, typeof body.error.message]).toEqual([400, 'string']);
  });

  it.each<unknown>([
    '',
    '{',
    '[]',
    {},
    { connection: 1 },
    { connection: 'a-1', comeBack: 'yes' },
    { connection: 'a', more: 1 },
  ])('of an end that makes no sense is refused: %j', async (body) => {
    expect(await post(open, 'disconnect', body)).toMatchObject({
      status: 400,
      body: { error: { code: 100 } },
    });
  });

  it.each(['nobody-1', '__proto__', '-', 'constructor-1'])(
    'of the end of %s finds nobody',
    async (connection) => {
      expect((await post(open, 'disconnect', { connection })).status).toBe(404);
    },
  );

  it('as an order must come as JSON, which no foreign page can send unasked', async () => {
    const reply = await post(open, 'disconnect', { connection: 'a-1' }, { 'Content-Type': 'text/plain' });
    expect(reply.status).toBe(415);
  });
});
