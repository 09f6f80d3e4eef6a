import { expect, test } from 'vitest';
import { ratioCell, spreadCell, verdictCell } from './cells.ts';

test('a verdict says how many runs were like the worst', () => {
  expect(verdictCell(['ok', 'ok'])).toBe('ok');
  expect(verdictCell(['ok', 'generator-bound', 'generator-bound'])).toBe('generator-bound 2/3');
  expect(verdictCell(['invalid', 'generator-bound', 'ok'])).toBe('invalid 1/3');
});

test('what was not compared is a dash', () => {
  expect([ratioCell(Number.NaN), spreadCell(Number.NaN)]).toEqual(['–', '–']);
  expect([ratioCell(1.0314), spreadCell(0.0314)]).toEqual(['1.031', '±3.1 %']);
});
