import { describe, expect, test } from 'vitest';
import { mergedLatency } from '../generator/latency.ts';
import { binaryRecords } from '../generator/record.ts';
import { Receipts } from './receipts.ts';

const size = 100;
const run = 7;

function written(sequence: number, changes: { run?: number; intendedAt?: number } = {}): Buffer {
  const bytes = Buffer.alloc(size);
  binaryRecords.write(bytes, { sequence, intendedAt: 1_000, channel: 0, run, ...changes });
  return bytes;
}

function receipts(): Receipts {
  return new Receipts(run, binaryRecords, size, 16);
}

describe('receipts', () => {
  test('count what came once and in order, and when the first and the last came', () => {
    const all = receipts();
    all.record(3, written(0), 0, 1_005);
    all.record(4, written(0), 0, 1_010);
    all.record(3, written(1), 0, 1_020);
    expect(all.counts).toEqual({
      ...{ received: 3, duplicates: 0, gaps: 0, corrupted: 0, foreign: 0 },
      ...{ firstAt: 1_005, lastAt: 1_020 },
    });
    expect(mergedLatency([all.encodedLatency()]).max).toBeCloseTo(20, 1);
  });

  test('find a record that came twice, for each member', () => {
    const all = receipts();
    all.record(3, written(0), 0, 1_001);
    all.record(3, written(0), 0, 1_002);
    all.record(4, written(0), 0, 1_003);
    expect(all.counts).toMatchObject({ received: 2, duplicates: 1 });
  });

  test('find one that was left out', () => {
    const all = receipts();
    all.record(3, written(2), 0, 1_001);
    expect(all.counts).toMatchObject({ received: 1, gaps: 2 });
  });

  test.each([4, 17, 50, 99])('find a damaged byte at %i', (at) => {
    const all = receipts();
    const bytes = written(0);
    bytes[at] = (bytes[at] as number) ^ 1;
    all.record(3, bytes, 0, 1_001);
    expect(all.counts).toMatchObject({ received: 0, corrupted: 1 });
  });

  test('find one that is cut, and a message without any', () => {
    const all = receipts();
    all.record(3, written(0).subarray(0, size - 1), 0, 1_001);
    all.mangled();
    expect(all.counts).toMatchObject({ received: 0, corrupted: 2, firstAt: null });
  });

  test('do not take one of another run for theirs', () => {
    const all = receipts();
    all.record(3, written(0, { run: 6 }), 0, 1_001);
    expect(all.counts).toMatchObject({ received: 0, foreign: 1 });
  });
});
