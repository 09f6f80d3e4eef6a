import { beforeEach, describe, expect, test } from 'vitest';
import { fakeRequest, handshakeHeaders, type RequestParts } from '../../test/support/fake-request.ts';
import { Connections } from '../connection/connections.ts';
import { Metrics } from '../metrics/metrics.ts';
import { AdminKey } from './admin-key.ts';
import { Dashboard } from './dashboard.ts';
import { issuePass } from './dashboard-pass.ts';
import type { NativeProtocol } from './native-protocol.ts';

const secret = 'correct horse battery';
const now = 1_700_000_000_000;
const host = 'outcry.example:8081';
const bearer = { authorization: `Bearer ${secret}` };

let metrics: Metrics;
let viewers: Connections;

beforeEach(() => {
  metrics = new Metrics();
  viewers = new Connections('b', { maxConnections: 1, maxControlFrames: 10 }, metrics);
});

const native = { codec: { subprotocol: 'outcry.v1.json' } } as NativeProtocol;

function ask(parts: RequestParts, key: string | null = secret) {
  const asset = { headers: {}, body: new Uint8Array() };
  const dashboard = new Dashboard({
    key: new AdminKey(key),
    assets: new Map([
      ['/dashboard', asset],
      ['/dashboard/page.js', asset],
    ]),
    viewers,
    natives: [native],
    metrics: metrics.dashboard,
    now: () => now,
  });
  return dashboard.handle(fakeRequest(parts));
}

/** Status of the answer to a handshake; 101 for a WebSocket. */
function feed(headers: Record<string, string> = {}, key: string | null = secret): number {
  const all = { ...handshakeHeaders, host, 'sec-websocket-protocol': 'outcry.v1.json', ...headers };
  const reply = ask({ path: '/dashboard/feed', headers: all }, key);
  return 'session' in reply ? 101 : reply.status;
}

function session(method: string, headers: Record<string, string> = {}, key: string | null = secret) {
  const reply = ask({ path: '/dashboard/session', method, headers: { host, ...headers } }, key);
  if ('session' in reply) throw new Error('no WebSocket was asked for');
  return reply;
}

const pass = (key = secret, at = now) => ({ cookie: `outcry_dashboard=${issuePass(key, at)}` });

describe('the page', () => {
  test('comes without a key, with its parts, and nothing else does', () => {
    for (const path of ['/dashboard', '/dashboard/page.js'])
      expect(ask({ path })).toMatchObject({ status: 200 });
    for (const path of ['/dashboard/', '/dashboard/page.test.ts', '/dashboard/../main.ts'])
      expect(ask({ path })).toMatchObject({ status: 404 });
    expect(ask({ path: '/dashboard', method: 'POST' })).toMatchObject({ status: 405 });
  });
});

describe('the feed', () => {
  test('is for whoever has the key, or a pass', () => {
    expect(feed(bearer)).toBe(101);
    expect(feed(pass())).toBe(101);
    expect(feed({ ...pass(), origin: `https://${host}` })).toBe(101);
  });

  test.each([
    ['nothing', {}],
    ['a wrong key', { authorization: 'Bearer wrong' }],
    ['a pass for another key', pass('another horse battery')],
    ['a pass that has expired', pass(secret, now - 86_400_000)],
  ])('is not for whoever has %s', (_what, headers) => {
    expect(feed(headers)).toBe(401);
    expect(metrics.dashboard.refused.values.key).toBe(1);
  });

  test('the key stands in no address', () => {
    const reply = ask({
      path: '/dashboard/feed',
      query: `key=${secret}`,
      headers: { ...handshakeHeaders, host },
    });
    expect(reply).toMatchObject({ status: 401 });
  });

  test.each([
    'https://evil.example',
    'null',
    'http://outcry.example',
    'https://outcry.example:8081.evil.example',
  ])('is not for a page of %s, whatever its browser holds', (origin) => {
    expect(feed({ ...pass(), origin })).toBe(403);
    expect(feed({ host: 'localhost:8081', origin }, null)).toBe(403);
    expect(metrics.dashboard.refused.values.origin).toBe(2);
  });

  test('without a key set is for whoever calls this machine by its own name', () => {
    expect(feed({ host: 'localhost:8081', origin: 'http://localhost:8081' }, null)).toBe(101);
    expect(feed({ host: '127.0.0.1:8081' }, null)).toBe(101);
    expect(feed({ host: 'evil.example', origin: 'http://evil.example' }, null)).toBe(403);
    expect(metrics.dashboard.refused.values.host).toBe(1);
  });

  test('is a WebSocket in the native protocol, flawless as any', () => {
    expect(ask({ path: '/dashboard/feed', headers: bearer })).toMatchObject({ status: 426 });
    expect(feed({ ...bearer, 'sec-websocket-protocol': 'other' })).toBe(400);
    expect(feed({ ...bearer, 'sec-websocket-version': '12' })).toBe(426);
    expect(feed({ ...bearer, 'content-length': '5' })).toBe(400);
    expect(metrics.dashboard.refused.values.handshake).toBe(3);
  });

  test('has a limit of its own', () => {
    Object.defineProperty(viewers, 'full', { value: true });
    expect(feed(bearer)).toBe(503);
    expect(metrics.dashboard.refused.values.full).toBe(1);
  });
});

describe('the session', () => {
  test('is opened by the key, for a pass that opens the feed', () => {
    const { status, headers } = session('POST', bearer);
    const cookie = headers?.['Set-Cookie'] ?? '';
    expect(status).toBe(204);
    expect(feed({ cookie: cookie.slice(0, cookie.indexOf(';')) })).toBe(101);
    expect(JSON.stringify(headers)).not.toContain(secret);
  });

  test('is not opened by anything else', () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, pass()])
      expect(session('POST', headers)).toMatchObject({ status: 401 });
    expect(session('POST').headers).not.toHaveProperty('Set-Cookie');
  });

  test('says whether this browser may watch, or must show the key', () => {
    const said = (headers: Record<string, string>, key: string | null = secret) =>
      JSON.parse(String(session('GET', headers, key).body));
    expect(said({})).toEqual({ needsKey: true, open: false });
    expect(said(pass())).toEqual({ needsKey: true, open: true });
    expect(said({}, null)).toEqual({ needsKey: false, open: true });
  });

  test('ends when somebody says so', () => {
    expect(session('DELETE').headers?.['Set-Cookie']).toMatch(/^outcry_dashboard=; Max-Age=0;/);
    expect(session('PUT').status).toBe(405);
  });

  test('behind TLS is for TLS', () => {
    expect(session('POST', { ...bearer, 'x-forwarded-proto': 'https' }).headers?.['Set-Cookie']).toMatch(
      /; Secure$/,
    );
    expect(session('POST', bearer).headers?.['Set-Cookie']).not.toMatch(/Secure/);
  });
});
