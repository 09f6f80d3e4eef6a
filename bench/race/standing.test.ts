import { expect, test } from 'vitest';
import { orderIn } from './standing.ts';

test.each([
  [{ type: 'rate', rate: 500 }, 500],
  [{ type: 'rate', rate: 1 }, 10],
  [{ type: 'rate', rate: 1e9 }, 15_000],
  [{ type: 'rate', rate: 99.6 }, 100],
])('%j is a rate of %d', (data, rate) => {
  expect(orderIn(data)).toEqual({ type: 'rate', rate });
});

test('a reader can be paused', () => {
  expect(orderIn({ type: 'pause a reader', extra: 1 })).toEqual({ type: 'pause a reader' });
});

test.each(['node', 'Redis'])('a %s can be killed', (what) => {
  expect(orderIn({ type: 'kill', what, extra: 1 })).toEqual({ type: 'kill', what });
});

test.each([
  null,
  'pause a reader',
  { type: 'kill' },
  { type: 'kill', what: 'init' },
  { type: 'rate' },
  { type: 'rate', rate: '5' },
  { type: 'quit' },
  [],
  5,
])('%j is no order', (data) => {
  expect(orderIn(data)).toBeNull();
});

test('a rate that is no number is no order', () => {
  expect(orderIn({ type: 'rate', rate: Number.NaN })).toBeNull();
});
