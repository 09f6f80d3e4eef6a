import { expect, test } from 'vitest';
import { originForm } from './request-target.ts';

test.each([
  ['/room?a=http://b/c', '/room?a=http://b/c'],
  ['http://host:80/room?a', '/room?a'],
  ['http://host', '/'],
  ['*', '/'],
])('a target of %s asks for %s', (target, expected) => {
  expect(originForm(target)).toBe(expected);
});
