import { encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import { expect, test } from 'vitest';
import { latencyHistogram, mergedLatency, recordMs } from './latency.ts';

function encoded(...ms: number[]): string {
  const histogram = latencyHistogram();
  for (const value of ms) recordMs(histogram, value);
  return encodeIntoCompressedBase64(histogram);
}

test('percentiles of two workers are those of all their values, not a mean', () => {
  const fast = encoded(...new Array<number>(98).fill(1));
  const slow = encoded(100, 100);
  const { p50, p90, p99, max } = mergedLatency([fast, slow]);
  expect([p50, p90]).toEqual([1, 1]);
  expect(p99).toBeCloseTo(100, 0);
  expect(max).toBeCloseTo(100, 0);
});

test('a duration below 0 counts as 0, one beyond a minute as a minute', () => {
  const { p50, max } = mergedLatency([encoded(-0.2, -0.1, 90_000)]);
  expect(p50).toBe(0);
  expect(max).toBeCloseTo(60_000, -2);
});
