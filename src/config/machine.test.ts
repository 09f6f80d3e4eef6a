import { describe, expect, test } from 'vitest';
import { connectionsThatFit, descriptorLimit } from './machine.ts';

describe('connections that fit below a descriptor limit', () => {
  test.each([
    [1_048_576, 1_048_448],
    [1_024, 896],
    [256, 128],
    [255, 127],
    [100, 50],
    [1, 0],
  ])('%i descriptors hold %i', (limit, connections) => {
    expect(connectionsThatFit(limit)).toBe(connections);
  });
});

test('the descriptor limit of this process is a number that a process can live with', () => {
  const limit = descriptorLimit();
  expect(Number.isSafeInteger(limit)).toBe(true);
  expect(limit).toBeGreaterThanOrEqual(64);
});
