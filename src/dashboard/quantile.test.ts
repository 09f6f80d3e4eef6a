import { expect, test } from 'vitest';
import { between, quantile, together } from './quantile.js';

const bounds = [0.001, 0.01, 0.1];
const of = (...counts: number[]) => ({ bounds, counts });

test('of nothing there is no quantile', () => {
  expect(quantile(of(0, 0, 0, 0), 0.99)).toBeNull();
});

test('a quantile is as far into its bucket as Prometheus would have it', () => {
  expect(quantile(of(0, 10, 0, 0), 0.5)).toBeCloseTo(5.5);
  expect(quantile(of(0, 10, 0, 0), 1)).toBeCloseTo(10);
  expect(quantile(of(50, 50, 0, 0), 0.5)).toBeCloseTo(1);
  expect(quantile(of(50, 0, 50, 0), 0.75)).toBeCloseTo(55);
});

test('what is above all bounds counts as the last one', () => {
  expect(quantile(of(0, 0, 0, 3), 0.5)).toBe(100);
});

test('between two reports is what came since, and of the first one all', () => {
  expect(between(of(1, 2, 3, 4), of(1, 1, 1, 1)).counts).toEqual([0, 1, 2, 3]);
  expect(between(of(1, 2, 3, 4), undefined).counts).toEqual([1, 2, 3, 4]);
});

test('nodes with other bounds are left out of what is added up', () => {
  const other = { bounds: [0.002, 0.01, 0.1], counts: [9, 9, 9, 9] };
  expect(together([of(1, 0, 0, 1), other, of(1, 2, 0, 0)])).toEqual(of(2, 2, 0, 1));
  expect(quantile(together([]), 0.5)).toBeNull();
});
