import { describe, expect, test } from 'vitest';
import { writeRecord } from './record.ts';
import { addCounts, Tally } from './tally.ts';

const recordBytes = 32;
const clean = { duplicates: 0, reordered: 0, corrupted: 0, gaps: 0, tail: 0, early: 0, overflowed: false };

/** Records side by side, due at 0. */
function records(...sequences: number[]): Buffer {
  return Buffer.concat(
    sequences.map((sequence) => {
      const bytes = Buffer.alloc(recordBytes);
      writeRecord(bytes, sequence, 0);
      return bytes;
    }),
  );
}

/** What a single receiver accounts for that gets these messages. */
function account(published: number, ...messages: Buffer[]) {
  const tally = new Tally(1, recordBytes);
  for (const message of messages) tally.records(0, message, 0, message.length, 1);
  return tally.counts(published);
}

describe('the tally', () => {
  test('finds nothing where nothing is wrong', () => {
    expect(account(3, records(0), records(1), records(2))).toEqual({ ...clean, deliveries: 3 });
  });

  test('counts several records in one message', () => {
    expect(account(5, records(0, 1, 2), records(3, 4))).toEqual({ ...clean, deliveries: 5 });
  });

  test('finds a loss in the middle', () => {
    expect(account(4, records(0), records(2), records(3))).toEqual({ ...clean, deliveries: 3, gaps: 1 });
  });

  test('finds a loss at the end, of all records too', () => {
    expect(account(4, records(0), records(1))).toEqual({ ...clean, deliveries: 2, tail: 2 });
    expect(account(4)).toEqual({ ...clean, deliveries: 0, tail: 4 });
  });

  test('finds a duplicate, next to its first or later', () => {
    expect(account(3, records(0, 0, 1, 2))).toEqual({ ...clean, deliveries: 4, duplicates: 1 });
    expect(account(3, records(0, 1, 2, 0))).toEqual({ ...clean, deliveries: 4, duplicates: 1 });
  });

  test('finds a swap, and does not call it a loss', () => {
    expect(account(4, records(0, 2, 1, 3))).toEqual({ ...clean, deliveries: 4, reordered: 1 });
  });

  test('calls a record that comes late twice one reordering and one duplicate', () => {
    expect(account(4, records(0, 2, 1, 1, 3))).toEqual({
      ...clean,
      deliveries: 5,
      reordered: 1,
      duplicates: 1,
    });
  });

  test.each([
    ['sequence', 0],
    ['time', 6],
    ['hash', 13],
    ['filler', 31],
  ])('finds a damaged %s and does not count it as delivered', (_, at) => {
    const damaged = records(1);
    damaged[at] = (damaged[at] as number) ^ 0x10;
    expect(account(3, records(0), damaged, records(2))).toEqual({
      ...clean,
      deliveries: 2,
      corrupted: 1,
      gaps: 1,
    });
  });

  test('finds a message that is no whole number of records', () => {
    const counts = account(2, records(0), records(1).subarray(1));
    expect(counts).toEqual({ ...clean, deliveries: 1, corrupted: 1, tail: 1 });
  });

  test('keeps the accounts of receivers apart', () => {
    const tally = new Tally(2, recordBytes);
    tally.records(0, records(0, 1), 0, 2 * recordBytes, 1);
    tally.records(1, records(0), 0, recordBytes, 1);
    expect(tally.counts(2)).toEqual({ ...clean, deliveries: 3, tail: 1 });
  });

  test('ignores what belongs to the run before', () => {
    const tally = new Tally(1, recordBytes, 10);
    tally.records(0, records(9, 10, 11), 0, 3 * recordBytes, 1);
    expect(tally.counts(2)).toEqual({ ...clean, deliveries: 2 });
  });

  test('says when there were more holes than it can remember', () => {
    const counts = account(2_000_000, records(0), records(1_500_000));
    expect(counts.overflowed).toBe(true);
    expect(counts.gaps).toBe(1_499_999);
  });

  test('measures from the time at which a record was due', () => {
    const tally = new Tally(1, recordBytes);
    tally.records(0, records(0), 0, recordBytes, 12.5);
    expect(tally.histogram.maxValue / 1_000).toBeCloseTo(12.5, 1);
  });

  test('finds a record that is dated before it was due', () => {
    const tally = new Tally(1, recordBytes);
    tally.records(0, records(0), 0, recordBytes, -1);
    expect(tally.counts(1)).toEqual({ ...clean, deliveries: 1, early: 1 });
  });

  test('adds up over workers', () => {
    const one = {
      deliveries: 1,
      duplicates: 2,
      reordered: 3,
      corrupted: 4,
      gaps: 5,
      tail: 6,
      early: 7,
      overflowed: false,
    };
    expect(addCounts([one, { ...one, overflowed: true }])).toEqual({
      deliveries: 2,
      duplicates: 4,
      reordered: 6,
      corrupted: 8,
      gaps: 10,
      tail: 12,
      early: 14,
      overflowed: true,
    });
  });
});
