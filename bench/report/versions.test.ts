import { expect, test } from 'vitest';
import { versionIn, versions } from './versions.ts';

test.each([
  ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0', '7.0.15'],
  ['HAProxy version 2.6.12-1+deb12u2 2025/04/18', '2.6.12'],
  ['nginx version: nginx/1.22.1', '1.22.1'],
  ['v20.20.2', '20.20.2'],
  ['no such thing', null],
])('in %j stands version %s', (text, version) => {
  expect(versionIn(text)).toBe(version);
});

test('what is installed is named, a package under another name with that', () => {
  const found = versions();
  expect(found).toMatchObject({ Node: expect.any(String), 'hdr-histogram-js': expect.any(String) });
  expect(found['uWebSockets.js']).toMatch(/^\d.*\(@?\w.*\)$/);
});
