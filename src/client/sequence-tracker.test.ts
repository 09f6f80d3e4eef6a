import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceTracker } from './sequence-tracker.ts';

describe('a batch', () => {
  it('that follows is new as a whole', () => {
    const tracker = new SequenceTracker(10);
    expect(tracker.take(13, 3)).toEqual({ missed: 0, seen: 0 });
    expect(tracker.last).toBe(13);
  });

  it('that comes later tells how many are missing', () => {
    expect(new SequenceTracker(10).take(15, 2)).toEqual({ missed: 3, seen: 0 });
  });

  it('that was there before is old as a whole', () => {
    const tracker = new SequenceTracker(10);
    expect(tracker.take(10, 4)).toEqual({ missed: 0, seen: 4 });
    expect(tracker.take(5, 2)).toEqual({ missed: 0, seen: 2 });
    expect(tracker.last).toBe(10);
  });

  it('that overlaps is new behind what is known', () => {
    expect(new SequenceTracker(10).take(12, 5)).toEqual({ missed: 0, seen: 3 });
  });
});

describe('a mark', () => {
  it('says nothing new when nothing is missing', () => {
    expect(new SequenceTracker(10).take(10, 0)).toEqual({ missed: 0, seen: 0 });
    expect(new SequenceTracker(10).take(9, 0)).toEqual({ missed: 0, seen: 0 });
  });

  it('tells that the last ones are missing, once', () => {
    const tracker = new SequenceTracker(10);
    expect(tracker.take(12, 0)).toEqual({ missed: 2, seen: 0 });
    expect(tracker.take(12, 0)).toEqual({ missed: 0, seen: 0 });
  });
});

it('never hands out a number twice, and accounts for each one, whatever arrives', () => {
  const batches = fc.array(fc.record({ sequence: fc.nat(60), count: fc.oneof(fc.constant(0), fc.nat(8)) }));
  fc.assert(
    fc.property(fc.nat(20), batches, (start, arriving) => {
      const tracker = new SequenceTracker(start);
      const accounted: number[] = [];
      for (const { sequence, count } of arriving) {
        if (count > sequence) continue;
        const before = tracker.last;
        const { missed, seen } = tracker.take(sequence, count);
        for (let number = before + 1; number <= before + missed; number += 1) accounted.push(number);
        for (let number = sequence - count + 1 + seen; number <= sequence; number += 1)
          accounted.push(number);
      }
      // Delivered or missing: each number after the start once, in order.
      expect(accounted).toEqual(
        Array.from({ length: tracker.last - start }, (_, index) => start + 1 + index),
      );
    }),
  );
});
