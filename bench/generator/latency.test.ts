import { expect, test } from 'vitest';
import { LatencyCounts, mergedLatency } from './latency.ts';

function encoded(...ms: number[]): string {
  const counts = new LatencyCounts();
  for (const value of ms) counts.record(value);
  return counts.encode();
}

test('percentiles of two workers are those of all their values, not a mean', () => {
  const fast = encoded(...new Array<number>(98).fill(1));
  const slow = encoded(100, 100);
  const { p50, p90, p99, max } = mergedLatency([fast, slow]);
  expect(p50).toBeCloseTo(1, 1);
  expect(p90).toBeCloseTo(1, 1);
  expect(p99).toBeCloseTo(100, 0);
  expect(max).toBeCloseTo(100, 0);
});

test('a duration below 0 counts as 0, one beyond a minute as a minute', () => {
  const { p50, max } = mergedLatency([encoded(-0.2, -0.1, 90_000)]);
  expect(p50).toBeCloseTo(0, 1);
  expect(max).toBeCloseTo(60_000, -2);
});

test('a duration is never made shorter, and longer by no more than a step', () => {
  for (const ms of [0.004, 0.42, 12.345, 999.999, 1_000, 2_345.6]) {
    const { p50 } = mergedLatency([encoded(ms, 50_000)]);
    expect(p50).toBeGreaterThanOrEqual(ms * 0.999);
    expect(p50).toBeLessThanOrEqual(ms < 1_000 ? ms * 1.001 + 0.011 : ms * 1.001 + 1);
  }
});
