import { describe, expect, test } from 'vitest';
import { RestartPauses } from './restart-pauses.ts';

const minute = 60_000;

describe('the pause before a process is started again', () => {
  test('is none after a long life', () => {
    expect(new RestartPauses(() => 1).next(minute)).toBe(0);
  });

  test('doubles with each short one, up to half a minute', () => {
    const pauses = new RestartPauses(() => 1);
    const seen = Array.from({ length: 11 }, () => pauses.next(50));
    expect(seen).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  });

  test('is short again after a long life', () => {
    const pauses = new RestartPauses(() => 1);
    for (let n = 0; n < 8; n += 1) pauses.next(50);
    expect([pauses.next(minute), pauses.next(50)]).toEqual([0, 100]);
  });

  test('differs between processes that died together', () => {
    expect([new RestartPauses(() => 0).next(1), new RestartPauses(() => 1).next(1)]).toEqual([50, 100]);
  });
});
