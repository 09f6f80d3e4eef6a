import { expect, test } from 'vitest';
import { nodeEnvironment } from './node-environment.mjs';

test('pieces above 128 KiB are given back, unless somebody knows better', () => {
  expect(nodeEnvironment({ HOME: '/root' })).toEqual({ HOME: '/root', MALLOC_MMAP_THRESHOLD_: '131072' });
  expect(nodeEnvironment({ MALLOC_MMAP_THRESHOLD_: '1' })).toEqual({ MALLOC_MMAP_THRESHOLD_: '1' });
});
