import { describe, expect, test } from 'vitest';
import { mergedLatency } from './latency.ts';
import { binaryRecords, type RecordHeader } from './record.ts';
import { addCounts, Tally } from './tally.ts';

const recordBytes = 32;
const clean = {
  duplicates: 0,
  reordered: 0,
  corrupted: 0,
  gaps: 0,
  tail: 0,
  early: 0,
  stale: 0,
  overflowed: false,
};

/** Records of run 1 side by side, due at 0. */
function records(...sequences: number[]): Buffer {
  return Buffer.concat(sequences.map((sequence) => record({ sequence })));
}

function record(header: Partial<RecordHeader>): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  binaryRecords.write(bytes, { sequence: 0, intendedAt: 0, channel: 0, run: 1, ...header });
  return bytes;
}

function tallyOf(...subscriptions: number[][]): Tally {
  return new Tally({ form: binaryRecords, recordBytes, run: 1, subscriptions });
}

function arrive(tally: Tally, receiver: number, message: Buffer, now = 1): void {
  tally.records(receiver, message, 0, message.length / recordBytes, recordBytes, now);
}

/** What a single receiver of a single channel accounts for that gets these messages. */
function account(published: number, ...messages: Buffer[]) {
  const tally = tallyOf([0]);
  for (const message of messages) arrive(tally, 0, message);
  return tally.counts([published]);
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
    ['channel', 12],
    ['run', 15],
    ['hash', 17],
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

  test('counts a message in which no records can be found as damaged', () => {
    const tally = tallyOf([0]);
    tally.mangled();
    expect(tally.counts([1])).toEqual({ ...clean, deliveries: 0, corrupted: 1, tail: 1 });
  });

  test('reads records with something between them', () => {
    const tally = tallyOf([0]);
    const gap = Buffer.from('++');
    const message = Buffer.concat([0, 1, 2, 3, 4].flatMap((sequence) => [gap, record({ sequence })]));
    tally.records(0, message, gap.length, 5, gap.length + recordBytes, 1);
    expect(tally.counts([5])).toEqual({ ...clean, deliveries: 5 });
  });

  test('keeps the accounts of receivers apart', () => {
    const tally = tallyOf([0], [0]);
    arrive(tally, 0, records(0, 1));
    arrive(tally, 1, records(0));
    expect(tally.counts([2])).toEqual({ ...clean, deliveries: 3, tail: 1 });
  });

  test('keeps the accounts of channels apart', () => {
    const tally = tallyOf([3, 5]);
    arrive(tally, 0, record({ channel: 5, sequence: 0 }));
    arrive(tally, 0, record({ channel: 3, sequence: 0 }));
    arrive(tally, 0, record({ channel: 5, sequence: 2 }));
    expect(tally.counts([0, 0, 0, 2, 9, 3])).toEqual({ ...clean, deliveries: 3, gaps: 1, tail: 1 });
  });

  test('calls what belongs to somebody else damaged', () => {
    const tally = tallyOf([3], [5, 6]);
    arrive(tally, 0, record({ channel: 5 }));
    arrive(tally, 1, record({ channel: 3 }));
    expect(tally.counts([])).toMatchObject({ deliveries: 0, corrupted: 2 });
  });

  test('counts what belongs to the run before for nothing else', () => {
    const tally = tallyOf([0]);
    arrive(tally, 0, record({ run: 0, sequence: 9 }));
    arrive(tally, 0, Buffer.concat([5, 6, 7, 8].map((sequence) => record({ run: 0, sequence }))));
    arrive(tally, 0, records(0, 1));
    expect(tally.counts([2])).toEqual({ ...clean, deliveries: 2, stale: 5 });
    expect(tally.arrivals).toBe(7);
  });

  test('says when there were more holes than it can remember', () => {
    const counts = account(2_000_000, records(0), records(1_500_000));
    expect(counts.overflowed).toBe(true);
    expect(counts.gaps).toBe(1_499_999);
  });

  test('measures from the time at which a record was due', () => {
    const tally = tallyOf([0]);
    arrive(tally, 0, records(0), 12.5);
    expect(tally.latency.maxMs).toBe(12.5);
  });

  test('finds a record that is dated before it was due', () => {
    const tally = tallyOf([0]);
    arrive(tally, 0, records(0), -1);
    expect(tally.counts([1])).toEqual({ ...clean, deliveries: 1, early: 1 });
  });

  describe('that has seen the same bytes before', () => {
    const five = records(0, 1, 2, 3, 4);

    test('counts them for each receiver', () => {
      const tally = tallyOf([0], [0]);
      arrive(tally, 0, five);
      arrive(tally, 1, five);
      expect(tally.counts([5])).toEqual({ ...clean, deliveries: 10 });
    });

    test('finds them twice at one receiver', () => {
      expect(account(5, five, five)).toEqual({ ...clean, deliveries: 10, duplicates: 5 });
    });

    test('finds that something before them was lost', () => {
      const tally = tallyOf([0], [0]);
      for (const message of [records(0), records(1, 2, 3, 4)]) arrive(tally, 0, message);
      arrive(tally, 1, records(1, 2, 3, 4));
      expect(tally.counts([5])).toEqual({ ...clean, deliveries: 9, gaps: 1 });
    });

    test.each([0, 25, 70, 159])('sees that byte %i is another one', (at) => {
      const tally = tallyOf([0], [0]);
      arrive(tally, 0, five);
      const damaged = Buffer.from(five);
      damaged[at] = (damaged[at] as number) ^ 1;
      arrive(tally, 1, damaged);
      expect(tally.counts([5])).toMatchObject({ deliveries: 9, corrupted: 1 });
    });

    test('measures each from the time at which it was due', () => {
      const tally = tallyOf([0], [0]);
      const message = Buffer.concat([0, 1, 2, 3].map((i) => record({ sequence: i, intendedAt: i })));
      arrive(tally, 0, message, 10);
      arrive(tally, 1, message, 20);
      const { p50, max } = mergedLatency([tally.latency.encode()]);
      expect(p50).toBeCloseTo(10, 0);
      expect(max).toBeCloseTo(20, 0);
    });
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
      stale: 8,
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
      stale: 16,
      overflowed: true,
    });
  });
});
