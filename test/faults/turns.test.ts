/** What others feel of a fault is found out, and what turns differ by anyway is not held against it. */
import { expect, it } from 'vitest';
import { Turns } from './lab/turns.ts';

function turns(count: number, beside: number): Turns {
  const taken = new Turns();
  for (let turn = 0; turn < count; turn += 1) taken.took(turn % 2 === 0 ? 10 : 12, beside);
  return taken;
}

it.each([
  [12, true],
  [13.1, true],
  [13.3, false],
  [40, false],
])('10 to 12 ms without and %d ms beside it: %s', (beside, holds) => {
  expect(turns(7, beside).lines(0.1)).toMatchObject([{ holds, isOfTime: true }]);
});

it('says nothing after few turns', () => {
  expect(turns(6, 40).lines(0.1)).toEqual([]);
});
