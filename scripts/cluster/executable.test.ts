import { expect, test } from 'vitest';
import { executable } from './executable.ts';

test('finds a program', () => {
  expect(executable('haproxy', (name) => `/opt/${name}`)).toBe('/opt/haproxy');
});

test('names the Debian package of a program that is missing', () => {
  expect(() => executable('redis-server', () => undefined)).toThrow(
    'redis-server is not installed; on Debian: apt-get install --no-install-recommends redis-server',
  );
});
