import { beforeEach, expect, test } from 'vitest';
import type { SequencedBatch } from './position.ts';
import { Publication } from './publication.ts';
import { WaitingBatches } from './waiting-batches.ts';

/** Of one publication: 3 + 64 bytes. */
const at = (offset: number, epoch = 'e'): SequencedBatch => {
  return { epoch, offset, publications: [Publication.text('x', 0)] };
};

let waiting: WaitingBatches;
beforeEach(() => {
  waiting = new WaitingBatches(3 * 67);
});

test('batches leave in their order, until one cannot be taken', () => {
  for (const offset of [1, 2, 3]) waiting.add(at(offset), 0);
  expect(waiting.first?.offset).toBe(1);
  const taken: number[] = [];
  waiting.drain(({ offset }) => offset < 3 && taken.push(offset) > 0);
  expect([taken, waiting.first?.offset, waiting.isEmpty]).toEqual([[1, 2], 3, false]);
  waiting.drain(() => true);
  expect([waiting.first, waiting.isEmpty]).toEqual([undefined, true]);
});

test('all are dropped when there is no room for one more, which is told once, and then there is room again', () => {
  for (const offset of [1, 2, 3]) waiting.add(at(offset), 0);
  expect(waiting.takeOverflow()).toBe(false);
  waiting.add(at(4), 0);
  expect([waiting.isEmpty, waiting.takeOverflow(), waiting.takeOverflow()]).toEqual([true, true, false]);
  for (const offset of [5, 6, 7]) waiting.add(at(offset), 0);
  expect([waiting.first?.offset, waiting.takeOverflow()]).toEqual([5, false]);
});

test('those that a read should show and does not are dropped', () => {
  waiting.add(at(1), 0);
  waiting.add(at(9), 0);
  waiting.add(at(9), 1);
  expect(waiting.dropUnshown(1, { epoch: 'e', top: 5 })).toBe(1);
  expect(waiting.dropUnshown(2, { epoch: 'f', top: 9 })).toBe(2);
  // Their room is free again.
  for (const offset of [1, 2, 3]) waiting.add(at(offset, 'f'), 2);
  expect([waiting.takeOverflow(), waiting.firstOf('f')?.offset, waiting.firstOf('e')]).toEqual([
    ...[false, 1, undefined],
  ]);
});
