import { expect, test } from 'vitest';
import { positionOf, rateAt } from './page/rate-scale.js';

test.each([
  [0, 10],
  [1_000, 15_000],
  [500, 390],
])('position %d is a rate of %d', (position, rate) => {
  expect(rateAt(position)).toBe(rate);
});

test.each([10, 100, 500, 3_000, 10_000, 15_000])('%d is met again', (rate) => {
  expect(rateAt(positionOf(rate))).toBe(rate);
});
