import { expect, test } from 'vitest';
import { ratioOf, spreadOf } from './ratio.ts';

test('a ratio compares within rounds, so that a machine that gets slower does not show', () => {
  expect(ratioOf([1.1, 2.2, 4.4], [1, 2, 4])).toBeCloseTo(1.1, 9);
});

test('a ratio is that of most rounds, whatever happened in one', () => {
  expect(ratioOf([1.1, 1.1, 50], [1, 1, 1])).toBeCloseTo(1.1, 9);
});

test('a spread does not cancel out when the rounds differ in both directions', () => {
  expect(spreadOf([0.96, 1.04, 1.04], [1, 1, 1])).toBeCloseTo(0.04, 9);
});
