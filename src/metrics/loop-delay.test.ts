import { expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Histogram } from './counter.ts';
import { watchLoopDelay } from './loop-delay.ts';

test('a loop in time is not late, and one that stood still is late once', () => {
  const clock = new FakeClock();
  const delay = new Histogram('delay_seconds', 'x', [0.01, 0.2, 1]);
  const watch = watchLoopDelay(clock, delay);
  clock.advance(5_000);
  expect(delay.counts).toEqual([10, 0, 0, 0]);
  clock.stall(1_000);
  expect(delay.counts).toEqual([10, 0, 1, 0]);
  expect(delay.sum).toBeCloseTo(0.5);
  clock.advance(5_000);
  expect(delay.counts).toEqual([20, 0, 1, 0]);
  watch.cancel();
  expect(clock.timers).toBe(0);
});
