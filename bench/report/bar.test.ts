import { expect, test } from 'vitest';
import { outcomeOf } from './bar.ts';

const bar = { figure: 1.0, limit: 1.05, spread: 0.02, counts: true };

test('a bar is met within its limit, and beyond it by the spread', () => {
  expect(outcomeOf(bar)).toBe('met');
  expect(outcomeOf({ ...bar, figure: 1.07 })).toBe('met');
});

test('a bar is missed beyond the spread', () => {
  expect(outcomeOf({ ...bar, figure: 1.08 })).toBe('missed');
});

test('a bar from below is met above it, and below it by the spread', () => {
  const fromBelow = { figure: 0.79, limit: 0.8, atLeast: true, spread: 0.02, counts: true };
  expect(outcomeOf(fromBelow)).toBe('met');
  expect(outcomeOf({ ...fromBelow, figure: 0.78 })).toBe('missed');
});

test('a bar is undecided when equal things were far apart', () => {
  expect(outcomeOf({ ...bar, spread: 0.2 })).toBe('undecided');
});

test('a bar is undecided when a run does not count, or nothing was compared', () => {
  expect(outcomeOf({ ...bar, counts: false })).toBe('undecided');
  expect(outcomeOf({ ...bar, spread: Number.NaN })).toBe('undecided');
  // A rival that delivered nothing was not measured.
  expect(outcomeOf({ ...bar, figure: Number.POSITIVE_INFINITY, atLeast: true })).toBe('undecided');
});
