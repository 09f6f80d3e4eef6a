import { beforeEach, describe, expect, test } from 'vitest';
import { fakeRequest, type RequestParts } from '../../test/support/fake-request.ts';
import { Readiness } from '../lifecycle/readiness.ts';
import { Exposition } from '../metrics/exposition.ts';
import { Metrics } from '../metrics/metrics.ts';
import { refusalReply } from './api/api-error.ts';
import { AdminKey } from './admin-key.ts';
import { AdminListener } from './admin-listener.ts';
import { json } from './reply.ts';

const key = 'correct horse battery';

let metrics: Metrics;
let readiness: Readiness;

beforeEach(() => {
  metrics = new Metrics();
  readiness = new Readiness();
});

async function ask(parts: RequestParts, adminKey: string | null = key) {
  const listener = new AdminListener({
    key: new AdminKey(adminKey),
    dashboard: { handle: () => json(200, 'the dashboard') },
    readiness,
    exposition: new Exposition(metrics),
    api: { handle: () => json(200, 'the api'), refuse: refusalReply },
  });
  const reply = await listener.handle(fakeRequest(parts));
  if ('session' in reply) throw new Error('no WebSocket was asked for');
  return reply;
}

async function statusWith(authorization: string | undefined, path = '/metrics') {
  const headers = authorization === undefined ? {} : { authorization };
  return (await ask({ path, headers })).status;
}

describe('the key', () => {
  test('opens the metrics, however the scheme is written', async () => {
    expect(await statusWith(`Bearer ${key}`)).toBe(200);
    expect(await statusWith(`bearer ${key}`)).toBe(200);
  });

  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['a scheme without a key', 'Bearer'],
    ['a scheme with an empty key', 'Bearer '],
    ['of another scheme', `Basic ${key}`],
    ['without a scheme', key],
    ['behind something else', `X Bearer ${key}`],
    ['wrong in its first byte', `Bearer X${key.slice(1)}`],
    ['wrong in its last byte', `Bearer ${key.slice(0, -1)}X`],
    ['a byte short', `Bearer ${key.slice(0, -1)}`],
    ['a byte long', `Bearer ${key}y`],
    ['in the wrong case', `Bearer ${key.toUpperCase()}`],
    ['sent twice', `Bearer ${key}, Bearer ${key}`],
    ['far too long', `Bearer ${key}${'x'.repeat(10_000)}`],
  ])('does not when it is %s', async (_what, authorization) => {
    expect(await statusWith(authorization)).toBe(401);
  });

  test('is asked for with the scheme, and the refusal does not give it away', async () => {
    const reply = await ask({ path: '/metrics', headers: { authorization: 'Bearer wrong' } });
    expect(reply.headers).toMatchObject({ 'WWW-Authenticate': expect.stringMatching(/^Bearer /) });
    expect(JSON.stringify(reply)).not.toContain(key);
  });

  test('may be as long as a key can be', async () => {
    const long = 'k'.repeat(256);
    const reply = await ask({ path: '/metrics', headers: { authorization: `Bearer ${long}` } }, long);
    expect(reply.status).toBe(200);
  });

  test('is not needed where none is set', async () => {
    expect((await ask({ path: '/metrics' }, null)).status).toBe(200);
  });

  test('is needed to learn which paths there are', async () => {
    expect(await statusWith(undefined, '/nowhere')).toBe(401);
    expect(await statusWith(`Bearer ${key}`, '/nowhere')).toBe(404);
  });

  test('is not needed for the health routes', async () => {
    readiness.has('start');
    expect(await statusWith(undefined, '/health/live')).toBe(200);
    expect(await statusWith(undefined, '/health/ready')).toBe(200);
    readiness.stopping();
    expect(await statusWith(undefined, '/health/ready')).toBe(404);
  });
});

describe('the API', () => {
  const path = '/api/publish';

  test('is open to whoever has the key, under any name', async () => {
    const headers = { authorization: `Bearer ${key}`, host: 'outcry.example' };
    expect((await ask({ method: 'POST', path, headers })).status).toBe(200);
  });

  test.each([undefined, 'Bearer wrong', `Bearer ${key.toUpperCase()}`])(
    'refuses %s in its own form, and does not give the key away',
    async (authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      const reply = await ask({ method: 'POST', path, headers });
      expect(reply).toMatchObject({
        status: 401,
        headers: { 'WWW-Authenticate': expect.stringMatching(/^Bearer /) },
        error: 'not_permitted',
      });
      expect(JSON.stringify(reply)).not.toContain(key);
    },
  );

  test.each(['localhost', 'localhost:8081', '127.0.0.1:8081', '127.1.2.3', '[::1]:8081'])(
    'needs no key where none is set, as %s',
    async (host) => {
      expect((await ask({ method: 'POST', path, headers: { host } }, null)).status).toBe(200);
    },
  );

  test.each(['', 'evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:8081', 'localhost:x'])(
    'is no business of a page whose name leads here: %j',
    async (host) => {
      expect(await ask({ method: 'POST', path, headers: { host } }, null)).toMatchObject({
        status: 403,
        error: 'not_permitted',
      });
    },
  );
});

describe('the dashboard', () => {
  test('says itself whom it lets in, and is nowhere else', async () => {
    expect((await ask({ path: '/dashboard' })).status).toBe(200);
    expect((await ask({ path: '/dashboard/session', method: 'POST' })).status).toBe(200);
    expect((await ask({ path: '/dashboards' })).status).toBe(401);
  });
});

describe('the routes', () => {
  test.each(['POST', 'DELETE', 'OPTIONS'])('refuse %s before anything else', async (method) => {
    for (const path of ['/metrics', '/health/live', '/nowhere'])
      expect(await ask({ method, path })).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD' } });
  });

  test('show the metrics as they are at that moment', async () => {
    metrics.deliveries.value = 7;
    const reply = await ask({ path: '/metrics' }, null);
    expect(reply.headers).toMatchObject({ 'Content-Type': Exposition.contentType });
    expect(String(reply.body)).toContain('\noutcry_deliveries_total 7\n');
  });
});
