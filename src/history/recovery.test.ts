import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SequencedBatch } from '../channel/position.ts';
import { Publication } from '../channel/publication.ts';
import { recover, type Slice, unseen } from './recovery.ts';

const epoch = 'g.c';
const publication = (offset: number) => Publication.text(String(offset), offset);

/** The publications `first` to `last`; none if `last` is the one before. */
function batch(first: number, last: number, of = epoch): SequencedBatch {
  const publications = Array.from({ length: last - first + 1 }, (_, i) => publication(first + i));
  return { epoch: of, offset: last, publications };
}

const slice = (first: number, last: number, top: number, of = epoch): Slice => ({
  ...batch(first, last, of),
  top,
});

const since = (offset: number, of = epoch) => ({ epoch: of, offset });

const offsets = (publications: readonly Publication[]) => publications.map(({ text }) => Number(text));

describe('of a batch, somebody has not seen', () => {
  test.each<[string, number, SequencedBatch, number[] | string]>([
    ['all, if it is the next', 4, batch(5, 7), [5, 6, 7]],
    ['what is behind the position', 5, batch(4, 7), [6, 7]],
    ['nothing, if it is old', 7, batch(5, 7), []],
    ['nothing, if it is older than old', 20, batch(5, 7), []],
    ['what cannot be said, if there is a hole before it', 3, batch(5, 7), 'interrupted'],
    ['what cannot be said, in another epoch', 4, batch(5, 7, 'other'), 'epoch_changed'],
  ])('%s', (_name, at, of, expected) => {
    const next = unseen(since(at), of);
    expect(typeof next === 'string' ? next : offsets(next)).toEqual(expected);
  });
});

describe('whoever is back has missed', () => {
  test('what was kept and what came live meanwhile, each once', () => {
    expect(recovered(4, [slice(5, 9, 9)], [batch(8, 10), batch(11, 12)])).toEqual([
      5, 6, 7, 8, 9, 10, 11, 12,
    ]);
  });

  test('nothing at the top', () => {
    expect(recovered(9, [slice(10, 9, 9)], [])).toEqual([]);
    expect(recovered(0, [slice(1, 0, 0)], [])).toEqual([]);
  });

  test('what was kept in several slices', () => {
    expect(recovered(0, [slice(1, 3, 8), slice(4, 6, 9), slice(7, 9, 9)], [])).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test('what was kept in a slice that was cut, if the live ones begin where it ends', () => {
    expect(recovered(0, [slice(1, 3, 8)], [batch(4, 9)])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('what is kept, although it has not come live yet', () => {
    expect(recovered(4, [slice(5, 9, 9)], [batch(5, 6)])).toEqual([5, 6, 7, 8, 9]);
  });
});

describe('nobody can say what was missed', () => {
  test.each<[string, string, number, [Slice, ...Slice[]], SequencedBatch[]]>([
    ['the epoch is another one', 'epoch_changed', 5, [slice(6, 9, 9, 'other')], []],
    ['the epoch changed between the slices', 'epoch_changed', 5, [slice(6, 7, 9), slice(8, 9, 9, 'x')], []],
    ['the epoch changed after the read', 'epoch_changed', 5, [slice(6, 9, 9)], [batch(1, 1, 'x')]],
    ['the next one is not kept', 'not_kept', 5, [slice(7, 9, 9)], []],
    ['nothing is kept', 'not_kept', 5, [slice(10, 9, 9)], []],
    [
      'something between two slices is not kept any more',
      'not_kept',
      5,
      [slice(6, 7, 9), slice(9, 9, 9)],
      [],
    ],
    ['the channel has never been there', 'ahead', 10, [slice(10, 9, 9)], []],
    ['the channel got there only now', 'ahead', 10, [slice(10, 9, 9)], [batch(10, 12)]],
    ['the live ones begin too late', 'interrupted', 5, [slice(6, 9, 9)], [batch(11, 12)]],
    ['there is a hole in the live ones', 'interrupted', 5, [slice(6, 9, 9)], [batch(9, 10), batch(12, 12)]],
    ['the slice was cut', 'interrupted', 5, [slice(6, 7, 9)], []],
    ['the slice was cut before the live ones', 'interrupted', 5, [slice(6, 7, 9)], [batch(9, 10)]],
  ])('when %s', (_name, whyNot, offset, slices, live) => {
    const end = live.at(-1) ?? slices.at(-1);
    const recovery = recover(since(offset), slices, live);
    expect(recovery).toMatchObject({ recovered: false, whyNot });
    expect(recovery.position).toEqual({ epoch: end?.epoch, offset: live.at(-1)?.offset ?? 9 });
  });

  test('when the client names an epoch of its own', () => {
    expect(recover(since(5, 'forged'), [slice(6, 9, 9)], [])).toMatchObject({
      recovered: false,
      whyNot: 'epoch_changed',
      position: since(9),
    });
  });
});

/** A channel, somebody who left it, and what a read and the live stream show of it. */
const story = fc
  .record({
    total: fc.nat(60),
    kept: fc.nat(60),
    readAt: fc.nat(60),
    left: fc.integer({ min: 0, max: 70 }),
    listensAt: fc.nat(60),
    cuts: fc.uniqueArray(fc.nat(60)),
    dropped: fc.array(fc.nat(10), { maxLength: 2 }),
    pageSize: fc.integer({ min: 1, max: 60 }),
    pages: fc.integer({ min: 1, max: 5 }),
    renumbered: fc.boolean(),
  })
  .map((facts) => {
    const total = facts.total;
    const readAt = Math.min(facts.readAt, total);
    // It listens before it reads.
    const listensAt = Math.min(facts.listensAt, readAt);
    const live = partition(listensAt + 1, total, facts.cuts).filter((_, i) => !facts.dropped.includes(i));
    const of = facts.renumbered ? 'other' : epoch;
    const oldest = Math.max(1, readAt - facts.kept + 1);
    const slices: Slice[] = [];
    let from = facts.left;
    do {
      const first = Math.max(from + 1, oldest);
      const last = Math.min(first + facts.pageSize - 1, readAt);
      slices.push(first > readAt ? slice(readAt + 1, readAt, readAt, of) : slice(first, last, readAt, of));
      from = last;
    } while (from < readAt && slices.length < facts.pages);
    return { ...facts, readAt, slices: slices as [Slice, ...Slice[]], live, end: live.at(-1)?.offset };
  });

test('whatever happened, what is recovered is everything that was missed, in order and once', () => {
  fc.assert(
    fc.property(story, ({ left, slices, live, readAt, end }) => {
      const recovery = recover(since(left), slices, live);
      if (!recovery.recovered) return;
      const until = Math.max(readAt, end ?? 0, left);
      expect(offsets(recovery.publications)).toEqual(
        Array.from({ length: until - left }, (_, i) => left + 1 + i),
      );
      expect(recovery.position).toEqual(since(until));
      expect(left).toBeLessThanOrEqual(readAt);
    }),
    { numRuns: 5_000 },
  );
});

test('whatever happened, it is refused only if something is missing', () => {
  fc.assert(
    fc.property(story, ({ left, slices, live, readAt, kept, renumbered, dropped, pages, pageSize }) => {
      fc.pre(!renumbered && left <= readAt && readAt - left <= Math.min(kept, pages * pageSize));
      fc.pre(dropped.length === 0 || live.length === 0);
      expect(recover(since(left), slices, live).recovered).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

function recovered(from: number, slices: [Slice, ...Slice[]], live: SequencedBatch[]): number[] {
  const recovery = recover(since(from), slices, live);
  if (!recovery.recovered) throw new Error(recovery.whyNot);
  const last = offsets(recovery.publications).at(-1) ?? from;
  expect(recovery.position).toEqual(since(last));
  return offsets(recovery.publications);
}

/** Batches of `first` to `last`, cut behind each of `cuts`. */
function partition(first: number, last: number, cuts: readonly number[]): SequencedBatch[] {
  const batches: SequencedBatch[] = [];
  let from = first;
  for (let offset = first; offset <= last; offset += 1) {
    if (offset !== last && !cuts.includes(offset)) continue;
    batches.push(batch(from, offset));
    from = offset + 1;
  }
  return batches;
}
