import { expect, test } from 'vitest';
import { monotonicMs } from './monotonic.ts';
import { StallWatch } from './stall-watch.ts';

test('knows the longest time for which nothing else came to its turn', () => {
  const stalls = new StallWatch();
  const until = monotonicMs() + 40;
  while (monotonicMs() < until); // Standing still is the input here.
  expect(stalls.longestMs).toBeGreaterThanOrEqual(30);
});

test('forgets what was before a reset', () => {
  const stalls = new StallWatch();
  stalls.look(monotonicMs() + 1_000_000);
  stalls.reset();
  expect(stalls.longestMs).toBeLessThan(1_000);
});
