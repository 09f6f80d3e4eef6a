import { describe, expect, test } from 'vitest';
import { json, plain, refuseOtherMethods } from './reply.ts';

describe('a reply', () => {
  test('in JSON is one line that nobody caches', () => {
    const reply = json(200, { status: 'live' });
    expect(reply).toEqual({
      status: 200,
      headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
      body: '{"status":"live"}\n',
    });
  });

  test('in plain text carries the headers that it is given', () => {
    const reply = plain(401, 'no', { 'WWW-Authenticate': 'Bearer' });
    expect(reply).toMatchObject({
      status: 401,
      headers: { 'Cache-Control': 'no-store', 'WWW-Authenticate': 'Bearer' },
      body: 'no\n',
    });
  });
});

describe('methods', () => {
  test.each(['GET', 'HEAD'])('include %s', (method) => {
    expect(refuseOtherMethods(method)).toBeNull();
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'get', ''])('do not include %j', (method) => {
    expect(refuseOtherMethods(method)).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD' } });
  });
});
