/**
 * What HAProxy in HTTP mode keeps away from the nodes, seen from the node's side: a stand-in records every byte.
 */
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestBackend } from '../support/backend.ts';
import { TestClient } from '../support/client.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';
import { frame, handshakeBytes, openRaw, RawPeer, statusOf } from '../support/raw-peer.ts';

let backends: [TestBackend, TestBackend];
let haproxy: TestHaproxy;
beforeAll(async () => {
  backends = [await TestBackend.start(), await TestBackend.start()];
  haproxy = await startHaproxy({ mode: 'http', nodePorts: backends.map(({ port }) => port) });
});
afterAll(async () => {
  await haproxy?.stop();
  await Promise.all(backends.map((backend) => backend.stop()));
});

beforeEach(() => {
  for (const backend of backends) {
    backend.status = 101;
    backend.forget();
  }
});

/** Everything that reached a node in this test, one string per connection. */
function received(): string[] {
  return backends.flatMap((backend) => backend.received());
}

/** The request lines that reached a node in this test. */
function requestLines(): string[] {
  return received()
    .flatMap((bytes) => bytes.match(/^[A-Z]+ \S+ HTTP\/\d\.\d\r$/gm) ?? [])
    .map((line) => line.trim());
}

/** Sends bytes and reads until HAProxy has closed, or `answers` heads have come. */
async function exchange(bytes: string | Buffer, answers: number): Promise<number[]> {
  const peer = new RawPeer(haproxy.port);
  peer.send(bytes);
  const statuses: number[] = [];
  try {
    while (statuses.length < answers) {
      const head = await peer.head();
      statuses.push(Number(head.split(' ')[1]));
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      await untilBytes(peer, length);
      peer.received = peer.received.subarray(length);
    }
  } catch {
    // Closed: that was all.
  } finally {
    peer.destroy();
  }
  return statuses;
}

async function untilBytes(peer: RawPeer, length: number): Promise<void> {
  while (peer.received.length < length) await new Promise((resolve) => peer.socket.once('data', resolve));
}

describe('the addresses of clients', () => {
  it('come from HAProxy alone, whatever the client claims', async () => {
    const client = await TestClient.open(`${haproxy.url}/addresses`, {
      headers: {
        'X-Forwarded-For': '6.6.6.6',
        Forwarded: 'for=6.6.6.6',
        'X-Real-IP': '6.6.6.6',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': '6.6.6.6',
      },
    });
    await client.close();
    const head = received().find((bytes) => bytes.startsWith('GET /addresses ')) ?? '';
    expect(head).not.toContain('6.6.6.6');
    expect(head.match(/^x-forwarded-.*$|^forwarded.*$/gim)?.sort()).toEqual([
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: http',
    ]);
  });
});

describe('paths of operators', () => {
  it.each([
    '/metrics',
    '//metrics',
    '///metrics',
    '/%6detrics',
    '/%6Detrics',
    '/METRICS',
    '/./metrics',
    '/x/../metrics',
    '/x%2f..%2fmetrics',
    '/metrics/',
    '/metrics?x',
    '/metrics;x',
    '\\metrics',
    '/api/publish',
    '//api/',
    '/%61pi/x',
    '/dashboard',
    '/raw/../metrics',
    '/raw/%2e%2e/metrics',
    '/raw/.%2E/metrics',
    'http://localhost/metrics',
    'http://localhost//metrics',
  ])('%s reaches no node, as a page or as a WebSocket', async (target) => {
    const page = await statusOf(haproxy.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    expect(page.status).toBeGreaterThanOrEqual(400);
    const socket = await statusOf(haproxy.port, handshakeBytes({ target }));
    expect(socket.status).toBeGreaterThanOrEqual(400);
    expect(requestLines()).toEqual([]);
  });

  it.each(['/raw/metrics', '/raw/api%2Fdashboard', '/raw/a.b', '/raw/..a', '/metricsandmore'])(
    '%s is nobody else’s business',
    async (target) => {
      const peer = await openRaw(haproxy.port, { target });
      expect(requestLines()).toEqual([`GET ${target} HTTP/1.1`]);
      peer.destroy();
    },
  );
});

describe('a second request behind a first', () => {
  const second = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';

  it('behind a handshake with another version meets the rules', async () => {
    for (const backend of backends) backend.status = 426;
    const first = handshakeBytes({ headers: { 'Sec-WebSocket-Version': '777' } });
    const statuses = await exchange(Buffer.concat([first, Buffer.from(second)]), 2);
    expect(statuses[0]).toBe(426);
    expect(statuses[1] ?? 404).toBe(404);
    expect(requestLines()).toEqual(['GET / HTTP/1.1']);
  });

  it('behind a handshake that is accepted is data of the WebSocket, which no node takes for a request', async () => {
    const peer = await openRaw(haproxy.port);
    peer.send(second);
    await peer.closed; // 'G' is a frame without mask.
    expect(requestLines().filter((line) => !line.includes('/metrics'))).toEqual(['GET / HTTP/1.1']);
    expect((await peer.frame()).payload.readUInt16BE()).toBe(1002);
  });

  it.each([
    ['an upgrade with Content-Length', { 'Content-Length': `${second.length}` }],
    [
      'CL.TE',
      {
        Upgrade: null,
        Connection: null,
        'Content-Length': `${second.length}`,
        'Transfer-Encoding': 'chunked',
      },
    ],
    ['TE.CL', { Upgrade: null, Connection: null, 'Transfer-Encoding': 'chunked', 'Content-Length': '4' }],
    [
      'an obscured TE',
      { Upgrade: null, Connection: null, 'Transfer-Encoding': 'xchunked', 'Content-Length': '4' },
    ],
    ['two lengths', { Upgrade: null, Connection: null, 'Content-Length': ['4', `${second.length}`] }],
    ['an upgrade with TE', { 'Transfer-Encoding': 'chunked' }],
  ])('hidden in a body (%s) reaches nobody', async (_name, headers) => {
    const first = handshakeBytes({ headers, body: `0\r\n\r\n${second}` });
    const statuses = await exchange(first, 2);
    expect(statuses[0]).toBe(400);
    expect(statuses.every((status) => status >= 400)).toBe(true);
    expect(requestLines()).toEqual([]);
  });

  it.each(['HTTP/1.0', 'HTTP/2.0'])('behind a handshake in %s reaches nobody', async (version) => {
    const statuses = await exchange(Buffer.concat([handshakeBytes({ version }), Buffer.from(second)]), 2);
    expect(statuses[0]).toBeGreaterThanOrEqual(400);
    expect(requestLines()).toEqual([]);
  });

  it('behind a request for h2c meets the rules: nothing but a WebSocket becomes a tunnel', async () => {
    const first = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n';
    expect(await exchange(first + second, 2)).toEqual([200, 404]);
    expect(received().join('')).not.toMatch(/h2c/);
  });

  it('within HTTP/2 reaches nobody, with prior knowledge either', async () => {
    const settings = Buffer.from('000000040000000000', 'hex');
    // HEADERS, end of stream and headers: GET / http, :authority localhost (RFC 7541, static table).
    const block = Buffer.concat([Buffer.from('82848641', 'hex'), Buffer.from([9]), Buffer.from('localhost')]);
    const headers = Buffer.concat([Buffer.from([0, 0, block.length, 1, 5, 0, 0, 0, 1]), block]);
    const peer = new RawPeer(haproxy.port);
    peer.send(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, headers]));
    await untilBytes(peer, 60);
    expect(requestLines()).toEqual([]);
    peer.destroy();
  });
});

describe('methods', () => {
  it.each(['POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'])('%s stays outside', async (method) => {
    const target = method === 'CONNECT' ? 'localhost:80' : '/';
    const { status } = await statusOf(
      haproxy.port,
      `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    expect(status).toBe(405);
    expect(requestLines()).toEqual([]);
  });
});

describe('a node that refuses', () => {
  it('with 503 is passed over: the client gets another one', async () => {
    backends[0].status = 503;
    for (let index = 0; index < 4; index += 1) {
      const client = await TestClient.open(haproxy.url);
      client.send('?');
      expect(await client.text()).toBe('?');
      await client.close();
    }
  });

  it('with 503 everywhere tells the client so, with the time to wait', async () => {
    for (const backend of backends) backend.status = 503;
    const { status } = await statusOf(haproxy.port, handshakeBytes());
    expect(status).toBe(503);
  });
});

describe('statistics', () => {
  it('are on loopback and not on the public port', async () => {
    expect((await fetch(`http://127.0.0.1:${haproxy.statsPort}/`)).status).toBe(200);
    const metrics = await (await fetch(`http://127.0.0.1:${haproxy.statsPort}/metrics`)).text();
    expect(metrics).toContain('haproxy_server_status{proxy="nodes",server="node-1"');
    for (const path of ['/;csv', '/stats', '/stats;csv', '/haproxy?stats']) {
      const body = await (await fetch(`http://127.0.0.1:${haproxy.port}${path}`)).text();
      expect(body, path).not.toMatch(/svname|Statistics Report/);
    }
  });

  it('refuse connections to every other address of this machine', async () => {
    const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const addresses = [
      '127.0.0.2',
      ...others
        .filter(({ internal, family }) => !internal && family === 'IPv4')
        .map(({ address }) => address),
    ];
    for (const host of addresses) {
      const outcome = await new Promise((resolve) => {
        const socket = connect(haproxy.statsPort, host);
        socket.on('connect', () => resolve('connected'));
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      });
      expect(outcome, host).toBe('ECONNREFUSED');
    }
  });
});

describe('frames', () => {
  it('sent right behind the handshake arrive once', async () => {
    const peer = new RawPeer(haproxy.port);
    peer.send(Buffer.concat([handshakeBytes(), frame(1, 'early')]));
    expect(await peer.head()).toMatch(/^HTTP\/1.1 101 /);
    expect((await peer.frame()).payload.toString()).toBe('early');
    peer.destroy();
  });
});
