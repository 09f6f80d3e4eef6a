import { describe, expect, test } from 'vitest';
import { fakeRequest, handshakeHeaders, type RequestParts } from '../../test/support/fake-request.ts';
import { refusalReasons } from '../metrics/metrics.ts';
import {
  asksForWebSocket,
  findFlaw,
  findOversize,
  type HandshakePolicy,
  refusalReply,
} from './handshake-guard.ts';

const policy: HandshakePolicy = { origins: [], maxUrlBytes: 100, maxHeaderBytes: 1_000 };

/** A flawless handshake with some headers changed; null takes one away. */
function handshake(changes: Record<string, string | null> = {}, parts: RequestParts = {}) {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...handshakeHeaders, ...changes }))
    if (value !== null) headers[name] = value;
  return fakeRequest({ ...parts, headers });
}

function reasonFor(changes: Record<string, string | null>, origins: readonly string[] = []) {
  return findFlaw(handshake(changes), { ...policy, origins })?.reason ?? null;
}

describe('asking for a WebSocket', () => {
  test.each([
    [{ upgrade: 'websocket' }],
    [{ upgrade: 'h2c, WebSocket' }],
    [{ 'sec-websocket-key': 'x' }],
    [{ 'sec-websocket-version': '' }],
  ])('is what %j does', (headers: Record<string, string>) => {
    expect(asksForWebSocket(fakeRequest({ headers }))).toBe(true);
  });

  test.each([[{}], [{ upgrade: 'h2c' }], [{ connection: 'Upgrade' }], [{ 'sec-websocket-protocol': 'x' }]])(
    'is not what %j does',
    (headers: Record<string, string>) => {
      expect(asksForWebSocket(fakeRequest({ headers }))).toBe(false);
    },
  );
});

describe('the guard', () => {
  test('finds nothing wrong with the handshake of the RFC', () => {
    expect(findFlaw(handshake(), policy)).toBeNull();
  });

  test('names the flaw that is cheapest to know when there are many', () => {
    const request: RequestParts & { headers: Record<string, string> } = {
      method: 'POST',
      urlBytes: 101,
      headerBytes: 1_001,
      headers: { origin: 'https://evil.example', 'content-length': '5' },
    };
    const origins = ['https://example.com'];
    const mend: [expected: [reason: string, detail: RegExp], next: () => void][] = [
      [['method', /begins with GET/], () => (request.method = 'GET')],
      [['url_too_long', /may have 100 bytes/], () => (request.urlBytes = 100)],
      [['headers_too_large', /may have 1000 bytes/], () => (request.headerBytes = 1_000)],
      [['malformed', /one Host header/], () => (request.headers.host = 'localhost')],
      [['malformed', /no body/], () => (request.headers['content-length'] = '0')],
      [['malformed', /"Upgrade: websocket"/], () => (request.headers.upgrade = 'websocket')],
      [['malformed', /"Connection: Upgrade"/], () => (request.headers.connection = 'upgrade')],
      [['version', /version 13/], () => (request.headers['sec-websocket-version'] = '13')],
      [
        ['malformed', /16 bytes in base64/],
        () => (request.headers['sec-websocket-key'] = handshakeHeaders['sec-websocket-key']),
      ],
      [['origin', /this origin/], () => (request.headers.origin = 'https://example.com')],
    ];
    for (const [[reason, detail], next] of mend) {
      expect(findFlaw(fakeRequest(request), { ...policy, origins })).toEqual({
        reason,
        detail: expect.stringMatching(detail),
      });
      next();
    }
    expect(findFlaw(fakeRequest(request), { ...policy, origins })).toBeNull();
  });

  test.each(['POST', 'HEAD', 'OPTIONS', 'get', ''])('refuses the method %j', (method) => {
    expect(findFlaw(handshake({}, { method }), policy)?.reason).toBe('method');
  });

  test.each([null, '', 'a.example, b.example'])('refuses the Host %j', (host) => {
    expect(reasonFor({ host })).toBe('malformed');
  });

  test.each([
    { 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': '' },
    { 'content-length': '1' },
    { 'content-length': '' },
    { 'content-length': '0, 0' },
  ])('refuses the body that %j announces', (headers: Record<string, string>) => {
    expect(reasonFor(headers)).toBe('malformed');
  });

  test('allows a body of no bytes', () => {
    expect(reasonFor({ 'content-length': '0' })).toBeNull();
  });

  test.each([null, '', '12', '14', '8', '13, 13', '013', '13 '])('refuses version %j', (version) => {
    expect(reasonFor({ 'sec-websocket-version': version })).toBe('version');
  });
});

describe('tokens in a header', () => {
  test.each(['websocket', 'WebSocket', 'h2c, websocket', 'websocket,h2c', ' \twebsocket\t', ',,websocket,'])(
    'are found in %j',
    (upgrade) => {
      expect(reasonFor({ upgrade })).toBeNull();
    },
  );

  test.each([
    null,
    '',
    ',',
    'websockets',
    'web socket',
    'xwebsocket',
    'h2c websocket',
    '"websocket"',
    'websocket/13',
  ])('are not found in %j', (upgrade) => {
    expect(reasonFor({ upgrade })).toBe('malformed');
  });

  test('of Connection may stand beside others', () => {
    expect(reasonFor({ connection: 'keep-alive, Upgrade' })).toBeNull();
    expect(reasonFor({ connection: 'keep-alive' })).toBe('malformed');
    expect(reasonFor({ connection: null })).toBe('malformed');
  });
});

describe('a key', () => {
  test.each(['AAAAAAAAAAAAAAAAAAAAAA==', '/////////////////////w==', '+++++++++++++++++++++Q=='])(
    'may be %s',
    (key) => {
      expect(Buffer.from(key, 'base64')).toHaveLength(16);
      expect(reasonFor({ 'sec-websocket-key': key })).toBeNull();
    },
  );

  test.each([
    null,
    '',
    'AAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAA=',
    'AAAAAAAAAAAAAAAAAAAAAB==',
    'AAAAAAAAAAAAAAAAAAAAA===',
    'AAAAAAAAAAAAAAAAAAAAAAA=',
    'AAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAA-AAAAAAAAAAA==',
    'AAAAAAAAAAAAAAAAAAAAAA==\n',
    'AAAAAAAAAAAAAAAAAAAAAA==, AAAAAAAAAAAAAAAAAAAAAA==',
  ])('may not be %j', (key) => {
    expect(reasonFor({ 'sec-websocket-key': key })).toBe('malformed');
  });
});

describe('an origin', () => {
  const origins = ['https://example.com', 'null'];

  test.each(['https://example.com', 'null', null])('%j may connect', (origin) => {
    expect(reasonFor({ origin }, origins)).toBeNull();
  });

  test.each([
    '',
    'https://example.com/',
    'http://example.com',
    'https://example.com:8443',
    'https://EXAMPLE.com',
    'https://example.com.evil.example',
    'https://example.com, https://example.com',
  ])('%j may not', (origin) => {
    expect(reasonFor({ origin }, origins)).toBe('origin');
  });

  test('may be any where none is listed', () => {
    expect(reasonFor({ origin: 'https://evil.example' })).toBeNull();
  });
});

describe('the size of a request', () => {
  test('may reach both limits', () => {
    expect(findOversize(fakeRequest({ urlBytes: 100, headerBytes: 1_000 }), policy)).toBeNull();
  });

  test('may exceed neither', () => {
    expect(findOversize(fakeRequest({ urlBytes: 101, headerBytes: 0 }), policy)?.reason).toBe('url_too_long');
    expect(findOversize(fakeRequest({ urlBytes: 1, headerBytes: 1_001 }), policy)?.reason).toBe(
      'headers_too_large',
    );
  });
});

describe('the answer to a refused request', () => {
  test.each([
    ['malformed', 400],
    ['subprotocol', 400],
    ['origin', 403],
    ['path', 404],
    ['method', 405],
    ['url_too_long', 414],
    ['version', 426],
    ['headers_too_large', 431],
    ['full', 503],
    ['stopping', 503],
  ] as const)('has for %s the status %i', (reason, status) => {
    expect(refusalReply({ reason, detail: 'why' })).toMatchObject({ status, body: 'why\n' });
  });

  test.each(refusalReasons)('ends the connection, for %s as for all', (reason) => {
    expect(refusalReply({ reason, detail: 'why' }).headers).toMatchObject({ Connection: 'close' });
  });

  test('says what would be right, or when to try again', () => {
    const headers = (reason: (typeof refusalReasons)[number]) => refusalReply({ reason, detail: '' }).headers;
    expect(headers('method')).toMatchObject({ Allow: 'GET' });
    expect(headers('version')).toMatchObject({ 'Sec-WebSocket-Version': '13' });
    expect(headers('full')).toMatchObject({ 'Retry-After': expect.stringMatching(/^\d+$/) });
    expect(headers('stopping')).toMatchObject({ 'Retry-After': expect.stringMatching(/^\d+$/) });
    expect(headers('origin')).not.toHaveProperty('Retry-After');
  });
});
