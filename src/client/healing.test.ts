import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Healing } from './healing.ts';

it('begins at once, and then less and less often', () => {
  const clock = new FakeClock();
  const healing = new Healing(clock);
  const begun: number[] = [];
  const start = clock.now();
  for (let second = 0; second <= 240; second += 1) {
    if (healing.begin()) begun.push((clock.now() - start) / 1_000);
    clock.advance(1_000);
  }
  expect(begun).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
});

it('forgets what is long ago', () => {
  const clock = new FakeClock();
  const healing = new Healing(clock);
  for (let turn = 0; turn < 3; turn += 1) {
    expect([healing.begin(), healing.begin()]).toEqual([true, false]);
    clock.advance(120_001);
  }
  expect(healing.begin()).toBe(true);
  clock.advance(1_000);
  expect(healing.begin()).toBe(true);
});
