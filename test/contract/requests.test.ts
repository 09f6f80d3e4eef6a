/**
 * Requests and handshakes: what the handler is told of a request, and that its answer is what the peer gets.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame, handshakeBytes, RawPeer } from '../support/raw-peer.ts';
import { type Answer, answer, decide, type Named } from './commands.ts';
import { differences } from './differences.ts';
import { HostProcess } from './host-process.ts';

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start();
});
afterAll(() => host.stop());

/** Sends bytes and takes the head of the answer. */
const ask = async (bytes: Buffer | string) => {
  const peer = new RawPeer(host.port);
  peer.send(bytes);
  return { peer, head: await peer.head() };
};
const request = (line: string, ...headers: string[]) =>
  `${[`${line} HTTP/1.1`, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`;
const statusOf = (head: string) => Number(head.split(' ')[1]);

/** Tells the host how to answer a path that nobody asked for yet. */
const answered = async (with_: Answer): Promise<Named & { path: string }> => {
  const name = host.newName();
  await host.turn(answer(`/${name}`, with_));
  return { name, path: `/${name}` };
};

describe('a request', () => {
  it.each([
    ['GET', 'a/b%2Fc%e4', 'x=1&y=%20?', '/a/b%2Fc%e4?x=1&y=%20?'],
    ['POST', '', '', '/'],
    ['HEAD', '/a//b', 'q', '//a//b?q'],
  ])('tells its method, path and query as they stood there: %s /%s', async (method, name, query, target) => {
    await host.turn(answer(`/${name}`, { reply: { status: 204 } }));
    const { peer } = await ask(request(`${method} ${target}`));
    const urlBytes = 1 + name.length + (query === '' ? 0 : 1 + query.length);
    expect(await host.event('asked', { name })).toMatchObject({ method, query, urlBytes });
    peer.destroy();
  });

  it('with dot segments has them resolved by some runtimes', async () => {
    const name = differences.dotSegments === 'resolved' ? 'b' : 'a/../b';
    const { peer } = await ask(request('GET /a/../b'));
    await host.event('asked', { name });
    peer.destroy();
  });

  it('tells its headers by lower-case name, repeated ones joined, absent ones as null', async () => {
    const look = ['x-once', 'x-twice', 'x-empty', 'x-absent'];
    const asking = await answered({ reply: { status: 204 }, look });
    const headers = ['X-Once: One', 'x-twice: a', 'X-TWICE: b', 'X-Empty:'];
    const { peer } = await ask(request(`GET ${asking.path}`, ...headers));
    const asked = await host.event('asked', asking);
    expect(asked.headers).toEqual({ 'x-once': 'One', 'x-twice': 'a, b', 'x-empty': '', 'x-absent': null });
    peer.destroy();
  });

  it('tells how many bytes the names and values of its headers have', async () => {
    const asking = await answered({ reply: { status: 204 } });
    const { peer } = await ask(request(`GET ${asking.path}`, `X-More: ${'x'.repeat(100)}`));
    const { headerBytes } = await host.event('asked', asking);
    expect(headerBytes).toBe('hostlocalhost'.length + 'x-more'.length + 100);
    peer.destroy();
  });
});

describe('a reply', () => {
  it.each([false, true])('has its status, headers and body (later: %s)', async (later) => {
    const reply = {
      status: 418,
      headers: { 'X-Own': 'yes', 'Content-Type': 'text/plain' },
      body: 'ä tea\n',
    };
    const asking = await answered({ reply, later });
    const { peer, head } = await askAndDecide(asking, request(`GET ${asking.path}`));
    expect(statusOf(head)).toBe(418);
    expect(head).toMatch(/^x-own: yes\r$/im);
    expect(head).toMatch(/^content-type: text\/plain\r$/im);
    expect(head).toMatch(/^content-length: 7\r$/im);
    expect(peer.received.toString()).toBe('ä tea\n');
    peer.destroy();
  });

  it.each([false, true])('to HEAD has the length of the body and no body (later: %s)', async (later) => {
    const asking = await answered({ reply: { status: 200, body: 'four' }, later });
    const { peer, head } = await askAndDecide(asking, request(`HEAD ${asking.path}`));
    expect(head.match(/^content-length: .*$/gim)).toEqual([expect.stringMatching(/: 4$/)]);
    const next = await answered({ reply: { status: 204 } });
    peer.send(request(`GET ${next.path}`));
    expect(statusOf(await peer.head())).toBe(204);
    peer.destroy();
  });

  it.each(['GET', 'HEAD'])('to %s leaves the connection open, unless it says close', async (method) => {
    const stays = await answered({ reply: { status: 200, body: 'four' } });
    const closes = await answered({ reply: { status: 200, headers: { Connection: 'close' }, body: 'four' } });
    const { peer } = await ask(request(`${method} ${stays.path}`));
    if (method === 'GET') peer.received = Buffer.alloc(0);
    peer.send(request(`${method} ${closes.path}`));
    const head = await peer.head();
    expect(head).toMatch(/^connection: close\r$/im);
    const short = method === 'HEAD' && differences.lengthOfHeadAndClose === '0';
    expect(/^content-length: (.*)\r$/im.exec(head)?.[1]).toBe(short ? '0' : '4');
    await peer.closed;
  });
});

describe('a handshake that is refused', () => {
  it.each([
    ['frame', 'atOnce'],
    ['frame', 'later'],
    ['request', 'atOnce'],
    ['request', 'later'],
  ] as const)('ends the connection, and a %s that came with it is never heard (%s)', async (what, when) => {
    const reply = { status: 403, headers: { Connection: 'close' }, body: 'no\n' };
    const refused = await answered({ reply, later: when === 'later' });
    const behind = await answered({ reply: { status: 204 } });
    const bytes = what === 'frame' ? frame(1, 'x') : Buffer.from(request(`GET ${behind.path}`));
    const peer = new RawPeer(host.port);
    peer.send(Buffer.concat([handshakeBytes({ target: refused.path }), bytes]));
    await host.event('asked', refused);
    await host.turn(decide(refused.path));
    await peer.closed;
    const statuses = [...peer.received.toString().matchAll(/^HTTP\/1\.1 (\d+)/gm)];
    expect(statuses.map(([, status]) => Number(status))).toEqual(differences.refusedWith[what][when]);
    await host.turn();
    expect(host.events(behind)).toEqual([]);
    expect(host.events(refused)).toEqual([]);
  });
});

describe('a handshake', () => {
  it.each([false, true])('is answered with 101 and opens the socket (later: %s)', async (later) => {
    const asking = await answered({ upgrade: {}, later });
    const { peer, head } = await askAndDecide(asking, handshakeBytes({ target: asking.path }));
    expect(head).toMatch(/^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/im);
    await host.event('opened', asking);
    peer.destroy();
  });

  it('never agrees on an extension', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    const { peer, head } = await ask(handshakeBytes({ target: `/${host.newName()}`, headers }));
    expect(statusOf(head)).toBe(101);
    expect(head).not.toMatch(/extensions/i);
    peer.destroy();
  });

  it.each<[string, string, string | undefined]>([
    ['the second', 'one, two', 'two'],
    ['the first', 'one, two', 'one'],
    ['the only one', 'only', 'only'],
    ['none', 'one, two', undefined],
  ])('names %s of the subprotocols that were offered', async (_which, offered, subprotocol) => {
    for (const later of [false, true]) {
      const upgrade = subprotocol === undefined ? {} : { subprotocol };
      const asking = await answered({ upgrade, later });
      const headers = { 'Sec-WebSocket-Protocol': offered };
      const { peer, head } = await askAndDecide(asking, handshakeBytes({ target: asking.path, headers }));
      expect(statusOf(head)).toBe(101);
      expect(/^sec-websocket-protocol: (.*)\r$/im.exec(head)?.[1]).toBe(subprotocol);
      peer.destroy();
    }
  });

  it('without an offer is answered without a subprotocol', async () => {
    const { peer, head } = await ask(handshakeBytes({ target: `/${host.newName()}` }));
    expect(head).not.toMatch(/sec-websocket-protocol/i);
    peer.destroy();
  });

  it('that is none is answered with 400, and its session ends without having begun', async () => {
    const asking = await answered({ upgrade: {} });
    const { peer, head } = await ask(request(`GET ${asking.path}`));
    expect(statusOf(head)).toBe(400);
    peer.destroy();
    expect((await host.event('closed', asking)).code).toBe(1_006);
    await host.event('asked', asking);
    expect(host.events(asking)).toEqual([]);
  });

  it('whose peer goes away before the answer ends its session exactly once', async () => {
    const asking = await answered({ upgrade: {}, later: true });
    const peer = new RawPeer(host.port);
    peer.send(handshakeBytes({ target: asking.path }));
    await host.event('asked', asking);
    peer.socket.resetAndDestroy();
    await peer.closed;
    await host.turn(decide(asking.path));
    await host.event('closed', asking);
    // Another connection comes and goes: after it the host has seen everything that came before it.
    const socket = await host.connect();
    await socket.client.close();
    await host.event('closed', socket);
    expect(host.events(asking).filter(({ event }) => event !== 'opened')).toEqual([]);
  });

  it('may have frames behind it', async () => {
    const asking = await answered({ upgrade: {} });
    const { peer, head } = await ask(
      Buffer.concat([handshakeBytes({ target: asking.path }), frame(1, 'early')]),
    );
    expect(statusOf(head)).toBe(101);
    peer.send(frame(1, 'late'));
    const heard = await heardUntil(asking, 'late');
    expect(heard).toEqual(differences.pipelined === 'delivered' ? ['early', 'late'] : ['late']);
    peer.destroy();
  });

  it('may have frames behind it while it is undecided', async () => {
    const asking = await answered({ upgrade: {}, later: true });
    const bytes = Buffer.concat([handshakeBytes({ target: asking.path }), frame(1, 'early')]);
    const { peer, head } = await askAndDecide(asking, bytes);
    if (differences.pipelinedBehindUndecided === 'lost') {
      expect(statusOf(head)).toBe(101);
      peer.send(frame(1, 'late'));
      expect(await heardUntil(asking, 'late')).toEqual(['late']);
    } else {
      expect(statusOf(head)).toBe(400);
      expect((await host.event('closed', asking)).code).toBe(1_006);
    }
    peer.destroy();
  });
});

/** The same as `ask`; an answer that comes later is given as soon as the host was asked. */
const askAndDecide = async (asking: Named, bytes: Buffer | string) => {
  const peer = new RawPeer(host.port);
  peer.send(bytes);
  await host.event('asked', asking);
  await host.turn(decide(`/${asking.name}`));
  return { peer, head: await peer.head() };
};

const heardUntil = async (socket: Named, last: string): Promise<string[]> => {
  const heard: string[] = [];
  while (heard.at(-1) !== last) {
    const { payload } = await host.event('received', socket);
    heard.push('text' in payload ? payload.text : '');
  }
  return heard;
};
