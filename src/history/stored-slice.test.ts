import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutate, randomNumbers } from '../../test/support/mutate.ts';
import { Publication } from '../channel/publication.ts';
import { SequencedWriter } from '../protocol/sequenced-frame.ts';
import { recover } from './recovery.ts';
import { type StoredEntry, type StoredLog, sliceOf } from './stored-slice.ts';

const writer = new SequencedWriter();
const epoch = 'g.c';

/** An entry with the publications `first` to `last`. */
function entry(first: number, last: number, id = `${last}-0`): StoredEntry {
  const publications = Array.from({ length: last - first + 1 }, (_, i) =>
    Publication.text(String(first + i), 0),
  );
  return { id, bytes: writer.entry(publications) };
}

function sliced(entries: StoredEntry[], top: number, from = 1, maxPublications = 1_000, cut = false) {
  let rejected = 0;
  const log: StoredLog = { epoch, top, entries, cut };
  const { publications, offset } = sliceOf(log, { from, maxPublications }, () => {
    rejected += 1;
  });
  return { texts: publications.map(({ text }) => Number(text)), offset, rejected };
}

describe('a slice', () => {
  test('begins and ends within entries', () => {
    const entries = [entry(1, 3), entry(4, 4), entry(5, 9)];
    expect(sliced(entries, 9)).toEqual({ texts: [1, 2, 3, 4, 5, 6, 7, 8, 9], offset: 9, rejected: 0 });
    expect(sliced(entries, 9, 2)).toMatchObject({ texts: [2, 3, 4, 5, 6, 7, 8, 9], offset: 9 });
    expect(sliced(entries, 9, 2, 4)).toMatchObject({ texts: [2, 3, 4, 5], offset: 5 });
    expect(sliced(entries, 9, 9)).toMatchObject({ texts: [9], offset: 9 });
    expect(sliced(entries, 9, 10)).toMatchObject({ texts: [], offset: 9 });
    expect(sliced([], 9)).toMatchObject({ texts: [], offset: 9 });
  });

  test('may end before the top only if it was cut', () => {
    const entries = [entry(1, 3), entry(4, 6)];
    expect(sliced(entries, 9, 1, 1_000, true)).toMatchObject({ texts: [1, 2, 3, 4, 5, 6], offset: 6 });
    expect(sliced(entries, 9)).toMatchObject({ texts: [], offset: 9 });
  });

  test.each<[string, StoredEntry]>([
    ['whose bytes are none', { id: '4-0', bytes: Buffer.from('Hello!') }],
    ['without bytes', { id: '4-0', bytes: Buffer.alloc(0) }],
    ['with an id that is not ours', entry(4, 4, '4-1')],
    ['with an id of the clock', entry(4, 4, '1764000000000-0')],
    ['with an id that is no number', entry(4, 4, 'x')],
    ['that would begin before the first', { id: '1-0', bytes: entry(1, 3).bytes }],
    ['that overlaps with the one before', { id: '4-0', bytes: entry(1, 3).bytes }],
  ])('leaves out an entry %s, and begins behind the hole', (_name, foreign) => {
    const found = sliced([entry(1, 3), foreign, entry(5, 9)], 9);
    expect(found).toEqual({ texts: [5, 6, 7, 8, 9], offset: 9, rejected: 1 });
  });

  test('is not disturbed by a foreign entry that leaves no hole', () => {
    expect(sliced([entry(1, 3), entry(4, 4, '3-7'), entry(4, 9)], 9)).toEqual({
      texts: [1, 2, 3, 4, 5, 6, 7, 8, 9],
      offset: 9,
      rejected: 1,
    });
  });

  test('does not go beyond the top', () => {
    expect(sliced([entry(1, 3), entry(4, 9)], 3)).toEqual({ texts: [1, 2, 3], offset: 3, rejected: 1 });
  });
});

test('whatever was altered, what is recovered from it is everything from the position on', () => {
  const random = randomNumbers(7);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.record({ at: fc.nat(7), how: fc.nat(3) }), { maxLength: 3 }),
      fc.nat(40),
      (sizes, damages, offset) => {
        let top = 0;
        const entries = sizes.map((size) => {
          top += size;
          return entry(top - size + 1, top);
        });
        for (const { at, how } of damages) {
          const old = entries[at];
          if (old === undefined) continue;
          if (how === 0) entries.splice(at, 1);
          else if (how === 1) entries[at] = { id: `${at + 3}-0`, bytes: old.bytes };
          // Bytes that were changed into others that are well formed are the business of whoever may write to Redis.
          else
            entries[at] = { id: old.id, bytes: mutate(old.bytes, random).subarray(0, old.bytes.length - 1) };
        }
        const since = { epoch, offset: Math.min(offset, top) };
        const log = { epoch, top, entries, cut: false };
        const slice = sliceOf(log, { from: since.offset + 1, maxPublications: 1_000 }, () => {});
        const recovery = recover(since, [slice], []);
        if (!recovery.recovered) return;
        expect(recovery.publications.length).toBe(top - since.offset);
        if (damages.every(({ how }) => how === 0))
          expect(recovery.publications.map(({ text }) => Number(text))).toEqual(
            Array.from({ length: top - since.offset }, (_, i) => since.offset + 1 + i),
          );
      },
    ),
    { numRuns: 3_000 },
  );
});
