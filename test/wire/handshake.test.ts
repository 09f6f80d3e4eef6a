/**
 * The handshake guard over the wire: one status for each bad input, each counted, and the node lives on.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNode, type TestNode } from '../support/node.ts';
import { frame, type Handshake, handshakeBytes, openRaw, RawPeer, statusOf } from '../support/raw-peer.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode(['--origins', 'https://good.example,http://localhost:3000']);
});
afterAll(() => node.stop());

const refused = (reason: string) => node.metric(`outcry_handshakes_refused_total{reason="${reason}"}`);

describe('a good handshake', () => {
  it('is answered with 101', async () => {
    const { status, head } = await statusOf(node.port, handshakeBytes());
    expect(status).toBe(101);
    expect(head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  it.each<[string, Handshake]>([
    ['header names in any case', { headers: { UPGRADE: 'WebSocket', Upgrade: null } }],
    ['more tokens in Connection', { headers: { Connection: 'keep-alive, Upgrade' } }],
    ['Content-Length: 0', { headers: { 'Content-Length': '0' } }],
    ['an origin from the list', { headers: { Origin: 'https://good.example' } }],
    ['no origin', { headers: { Origin: null } }],
    ['extensions that are not known', { headers: { 'Sec-WebSocket-Extensions': 'x'.repeat(4_000) } }],
    [
      'a deflate offer with an impossible window',
      {
        headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=99' },
      },
    ],
    ['48 headers', { headers: Object.fromEntries(Array.from({ length: 43 }, (_, i) => [`X-${i}`, 'y'])) }],
  ])('may have %s', async (_name, handshake) => {
    expect((await statusOf(node.port, handshakeBytes(handshake))).status).toBe(101);
  });

  it('gets the same answer wherever its bytes are cut', async () => {
    const bytes = handshakeBytes({ target: '/raw/cut' });
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const peer = new RawPeer(node.port);
      peer.socket.setNoDelay(true);
      await new Promise<void>((resolve) => peer.socket.write(bytes.subarray(0, cut), () => resolve()));
      await new Promise<void>((resolve) => setImmediate(resolve));
      peer.send(bytes.subarray(cut));
      expect(await peer.head(), `cut after ${cut} bytes`).toMatch(/^HTTP\/1\.1 101 /);
      peer.destroy();
    }
  });
});

describe('a bad handshake', () => {
  it.each<[string, Handshake, number, string]>([
    ['version 8', { headers: { 'Sec-WebSocket-Version': '8' } }, 426, 'version'],
    ['no version', { headers: { 'Sec-WebSocket-Version': null } }, 426, 'version'],
    ['version 13 twice', { headers: { 'Sec-WebSocket-Version': ['13', '13'] } }, 426, 'version'],
    ['no key', { headers: { 'Sec-WebSocket-Key': null } }, 400, 'malformed'],
    ['a short key', { headers: { 'Sec-WebSocket-Key': 'YWJj' } }, 400, 'malformed'],
    ['a key of 17 bytes', { headers: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAAA=' } }, 400, 'malformed'],
    [
      'a key that is not base64',
      { headers: { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j*Q==' } },
      400,
      'malformed',
    ],
    ['POST', { method: 'POST', body: 'abc', headers: { 'Content-Length': '3' } }, 405, 'method'],
    ['a body', { body: 'abc', headers: { 'Content-Length': '3' } }, 400, 'malformed'],
    ['a chunked body', { body: '0\r\n\r\n', headers: { 'Transfer-Encoding': 'chunked' } }, 400, 'malformed'],
    ['two Hosts', { headers: { Host: ['a', 'b'] } }, 400, 'malformed'],
    ['the same Host twice', { headers: { Host: ['a', 'a'] } }, 400, 'malformed'],
    ['an empty Host', { headers: { Host: '' } }, 400, 'malformed'],
    ['no Connection: Upgrade', { headers: { Connection: 'close' } }, 400, 'malformed'],
    ['another upgrade', { headers: { Upgrade: 'h2c' } }, 400, 'malformed'],
    ['a URL of 5,000 bytes', { target: `/raw/${'a'.repeat(5_000)}` }, 414, 'url_too_long'],
    ['a URL of 16 KiB', { target: `/raw/${'a'.repeat(16_384)}` }, 414, 'url_too_long'],
    ['a header of 9,000 bytes', { headers: { Cookie: 'a'.repeat(9_000) } }, 431, 'headers_too_large'],
    ['a header of 20,000 bytes', { headers: { Cookie: 'a'.repeat(20_000) } }, 431, 'headers_too_large'],
    [
      'a subprotocol that is not known',
      { headers: { 'Sec-WebSocket-Protocol': 'chat' } },
      400,
      'subprotocol',
    ],
    [
      '1,000 subprotocols',
      {
        headers: { 'Sec-WebSocket-Protocol': Array.from({ length: 1_000 }, (_, i) => `p${i}`).join(',') },
      },
      400,
      'subprotocol',
    ],
    ['another path', { target: '/chat' }, 404, 'path'],
    ['bad percent-encoding', { target: '/raw/%zz' }, 400, 'malformed'],
    ['percent-encoding that is not UTF-8', { target: '/raw/%ff' }, 400, 'malformed'],
    ['no channel name', { target: '/raw/' }, 400, 'malformed'],
    ['a channel name of 201 bytes', { target: `/raw/${'a'.repeat(201)}` }, 400, 'malformed'],
    ['a control character in the channel name', { target: '/raw/a%00b' }, 400, 'malformed'],
    ['origin null', { headers: { Origin: 'null' } }, 403, 'origin'],
    [
      'an origin that ends like a good one',
      { headers: { Origin: 'https://evil-good.example' } },
      403,
      'origin',
    ],
    [
      'an origin that begins like a good one',
      { headers: { Origin: 'https://good.example.evil' } },
      403,
      'origin',
    ],
    ['a dot in the pattern taken literally', { headers: { Origin: 'https://goodXexample' } }, 403, 'origin'],
    ['a good origin in upper case', { headers: { Origin: 'https://GOOD.example' } }, 403, 'origin'],
    ['a good origin with a dot at its end', { headers: { Origin: 'https://good.example.' } }, 403, 'origin'],
    ['a good origin on another port', { headers: { Origin: 'https://good.example:444' } }, 403, 'origin'],
    ['a good origin by another scheme', { headers: { Origin: 'http://good.example' } }, 403, 'origin'],
    [
      'two origins, both good',
      {
        headers: { Origin: ['https://good.example', 'https://good.example'] },
      },
      403,
      'origin',
    ],
  ])('with %s is refused with its status, closed and counted', async (_name, handshake, status, reason) => {
    const before = await refused(reason);
    const peer = new RawPeer(node.port);
    peer.send(handshakeBytes(handshake));
    const head = await peer.head();
    expect(Number(head.split(' ')[1])).toBe(status);
    if (status === 426) expect(head).toMatch(/Sec-WebSocket-Version: 13/i);
    if (status === 405) expect(head).toMatch(/Allow: GET/i);
    await peer.closed;
    expect(await refused(reason)).toBe(before + 1);
  });

  // A runtime may refuse these before any of our code sees them, so they need not be in our counters. What the runtimes
  // do not refuse alike is in differences.test.ts.
  it('with two different Content-Lengths is refused and closed', async () => {
    const peer = new RawPeer(node.port);
    peer.send(handshakeBytes({ headers: { 'Content-Length': ['3', '4'] }, body: 'abc' }));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 400 /);
    await peer.closed;
  });

  it('with a header of 64 KiB is refused and closed', async () => {
    const peer = new RawPeer(node.port);
    peer.send(handshakeBytes({ headers: { Cookie: 'a'.repeat(65_536) } }));
    // Closing with unread bytes is a reset, and a reset may overtake the answer (RFC 1122, section 4.2.2.13).
    const head = await peer.head().catch(() => null);
    if (head !== null) expect(head).toMatch(/^HTTP\/1\.1 431 /);
    await peer.closed;
  });

  it('never has what follows it read as a frame', async () => {
    const listener = await openRaw(node.port, { target: '/raw/behind' });
    const peer = new RawPeer(node.port);
    peer.send(
      Buffer.concat([
        handshakeBytes({ target: '/raw/behind', headers: { 'Sec-WebSocket-Version': '8' } }),
        frame(1, 'smuggled'),
        handshakeBytes({ target: '/raw/behind' }),
        frame(1, 'smuggled'),
      ]),
    );
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 426 /);
    await peer.closed;
    listener.send(frame(1, 'own'));
    expect((await listener.frame()).payload.toString()).toBe('own');
    listener.destroy();
  });
});

it('closes a handshake that never ends', async () => {
  const silent = new RawPeer(node.port);
  const half = new RawPeer(node.port);
  half.send(handshakeBytes().subarray(0, 60));
  const dripping = new RawPeer(node.port);
  dripping.send(handshakeBytes().subarray(0, 60));
  const drip = setInterval(() => dripping.send('y'), 1_000);
  const startedAt = performance.now();
  await Promise.all([silent.closed, half.closed, dripping.closed]);
  clearInterval(drip);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

it('refuses with 503 when it is full, and takes the next one when somebody has left', async () => {
  const small = await startNode(['--max-connections', '2']);
  try {
    const first = await openRaw(small.port);
    const second = await openRaw(small.port);
    const { status, head } = await statusOf(small.port, handshakeBytes());
    expect(status).toBe(503);
    expect(head).toMatch(/Retry-After: \d+/i);
    expect(await small.metric('outcry_handshakes_refused_total{reason="full"}')).toBe(1);
    first.destroy();
    await small.untilMetric('outcry_connections_open', 1);
    const third = await openRaw(small.port);
    third.destroy();
    second.destroy();
  } finally {
    await small.stop();
  }
});
