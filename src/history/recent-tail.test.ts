import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SequencedBatch } from '../channel/position.ts';
import { Publication } from '../channel/publication.ts';
import { RecentTail } from './recent-tail.ts';

const epoch = 'g.c';

/** Each takes three bytes at most. */
function batch(first: number, last: number, of = epoch): SequencedBatch {
  const publications = Array.from({ length: last - first + 1 }, (_, i) =>
    Publication.text(Buffer.from(String.fromCodePoint(first + i)), 0),
  );
  return { epoch: of, offset: last, publications };
}

const slice = (first: number, last: number, top: number, of = epoch) => ({ ...batch(first, last, of), top });
const codes = (of: readonly Publication[] | undefined) => of?.map(({ text }) => text.codePointAt(0));

function tail(...batches: SequencedBatch[]): RecentTail {
  const made = new RecentTail(1_000);
  for (const each of batches) made.add(each);
  return made;
}

const behind = (of: RecentTail, offset: number) => codes(of.since({ epoch, offset })?.publications);

describe('the tail of a channel', () => {
  test('knows what came live', () => {
    const made = tail(batch(5, 6), batch(7, 9));
    expect(made.position).toEqual({ epoch, offset: 9 });
    expect(behind(made, 4)).toEqual([5, 6, 7, 8, 9]);
    expect(behind(made, 7)).toEqual([8, 9]);
    expect(behind(made, 9)).toEqual([]);
  });

  test('does not know what was before, what is to come, and other epochs', () => {
    const made = tail(batch(5, 9));
    for (const offset of [3, 0, -1, 10, Number.NaN, Number.POSITIVE_INFINITY])
      expect(made.since({ epoch, offset })).toBe(null);
    expect(made.since({ epoch: 'other', offset: 7 })).toBe(null);
    expect(new RecentTail(9).since({ epoch: '', offset: 0 })?.publications ?? []).toEqual([]);
  });

  test('takes what overlaps once, and says what was new', () => {
    const made = tail(batch(5, 7));
    expect(codes(made.add(batch(6, 9)) as Publication[])).toEqual([8, 9]);
    expect(made.add(batch(5, 9))).toEqual([]);
    expect(behind(made, 4)).toEqual([5, 6, 7, 8, 9]);
  });

  test('begins anew behind a hole and in another epoch, and says so', () => {
    const made = tail(batch(5, 7));
    expect(made.add(batch(9, 10))).toBe('interrupted');
    expect([behind(made, 8), behind(made, 7)]).toEqual([[9, 10], undefined]);
    expect(made.add(batch(1, 2, 'other'))).toBe('epoch_changed');
    expect(made.position).toEqual({ epoch: 'other', offset: 2 });
  });

  test('takes what was read, if it reaches up to it', () => {
    const made = tail(batch(8, 9));
    made.prepend(slice(3, 7, 9));
    expect(behind(made, 2)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    made.prepend(slice(1, 4, 9));
    expect(behind(made, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const other = tail(batch(8, 9));
    other.prepend(slice(3, 6, 9));
    other.prepend(slice(3, 7, 9, 'other'));
    other.prepend(slice(8, 9, 9));
    expect(behind(other, 6)).toBe(undefined);
    expect(behind(other, 7)).toEqual([8, 9]);
  });

  test('may begin at a position that was read', () => {
    const made = new RecentTail(1_000);
    made.begin({ epoch, offset: 4 });
    expect(behind(made, 4)).toEqual([]);
    expect(codes(made.add(batch(5, 5)) as Publication[])).toEqual([5]);
    expect(made.add(batch(7, 7))).toBe('interrupted');
  });

  test('shows its last ones, as many as there are', () => {
    const made = tail(batch(3, 6));
    expect(codes(made.last(2)?.publications ?? [])).toEqual([5, 6]);
    expect(codes(made.last(10)?.publications ?? [])).toEqual([3, 4, 5, 6]);
    expect(made.last(0)).toEqual({ epoch, offset: 6, publications: [] });
    expect([made.count, new RecentTail(10).last(1)]).toEqual([4, null]);
  });

  test('stands where it stood when it is emptied', () => {
    const made = tail(batch(3, 6));
    made.empty();
    expect([made.position, made.bytes, made.count]).toEqual([{ epoch, offset: 6 }, 0, 0]);
    expect(codes(made.add(batch(7, 7)) as Publication[])).toEqual([7]);
  });

  test('drops its oldest over its bound, and copies what was lent to it', () => {
    const made = new RecentTail(3);
    const bytes = Buffer.from('abc');
    made.add({ epoch, offset: 1, publications: [Publication.binary(bytes, 0)] });
    bytes.fill(0);
    expect(Buffer.from(made.since({ epoch, offset: 0 })?.publications[0]?.bytes ?? []).toString()).toBe(
      'abc',
    );
    made.add({ epoch, offset: 2, publications: [Publication.binary(Buffer.from('xy'), 0)] });
    expect(made.bytes).toBe(2);
    expect(made.since({ epoch, offset: 0 })).toBe(null);
    made.add({ epoch, offset: 3, publications: [Publication.binary(Buffer.from('four'), 0)] });
    expect(made.bytes).toBe(0);
    expect(made.since({ epoch, offset: 3 })?.publications).toEqual([]);
  });
});

test('whatever came and was read, it never shows anything but what is behind a position', () => {
  const step = fc.oneof(
    fc.record({ live: fc.constant(true), from: fc.integer({ min: 1, max: 40 }), length: fc.nat(5) }),
    fc.record({ live: fc.constant(false), from: fc.integer({ min: 1, max: 40 }), length: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 3, max: 200 }), (steps, maxBytes) => {
      const made = new RecentTail(maxBytes);
      for (const { live, from, length } of steps) {
        if (live) made.add(batch(from, from + length));
        else made.prepend(slice(from, from + length, from + length));
        expect(made.bytes).toBeLessThanOrEqual(maxBytes);
        const end = made.position?.offset ?? 0;
        for (let offset = 0; offset <= end; offset += 1) {
          const found = behind(made, offset);
          if (found !== undefined)
            expect(found).toEqual(Array.from({ length: end - offset }, (_, i) => offset + 1 + i));
        }
      }
    }),
  );
});
