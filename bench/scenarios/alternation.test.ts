import { expect, test } from 'vitest';
import type { System } from '../systems/system.ts';
import { Alternation } from './alternation.ts';

function system(name: string, bare: string): System {
  return {
    ...{ name, bare, manyChannels: false },
    missing: () => null,
    start: () => Promise.reject(new Error('nobody starts it')),
  };
}

const systems = [system('bare', 'bare'), system('ours', 'bare')];

test('runs the bare one twice a round, and every other round in reverse order', async () => {
  const order: string[] = [];
  await new Alternation(systems).run(2, async ({ name }, round) => order.push(`${round} ${name}`));
  expect(order).toEqual(['0 bare', '0 bare again', '0 ours', '1 ours', '1 bare again', '1 bare']);
});

test('compares with the mean of the two bare runs of the same round', async () => {
  const alternation = await measured([
    { bare: 9, 'bare again': 11, ours: 20 },
    { bare: 90, 'bare again': 110, ours: 200 },
  ]);
  const [bare, again, ours] = alternation.turns as [never, never, never];
  expect(alternation.compare(ours, Number).ratio).toBe(2);
  expect(alternation.compare(bare, Number).ratio).toBe(0.9);
  expect(alternation.compare(again, Number).spread).toBeCloseTo(2 / 9, 9);
});

test('compares nothing without the bare one', async () => {
  const alternation = await measured([{ ours: 20 }], systems.slice(1));
  const [ours] = alternation.turns as [never];
  expect(alternation.compare(ours, Number)).toEqual({ ratio: Number.NaN, spread: Number.NaN });
  expect(alternation.median(ours, Number)).toBe(20);
});

test('knows every run that a comparison stands on', async () => {
  const alternation = await measured([{ bare: 1, 'bare again': 2, ours: 3 }]);
  const ours = alternation.turns[2] as never;
  expect(alternation.comparedRunsOf(ours)).toEqual([3, 1, 2]);
});

async function measured(rounds: readonly Record<string, number>[], of: readonly System[] = systems) {
  const alternation = new Alternation<number>(of);
  await alternation.run(rounds.length, async ({ name }, round) => rounds[round]?.[name] as number);
  return alternation;
}
