import { describe, expect, test } from 'vitest';
import { headerBytes, isFillerIntact, readIntendedAt, readSequence, writeRecord } from './record.ts';

const recordBytes = 100;

function record(sequence: number, intendedAt: number): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  writeRecord(bytes, sequence, intendedAt);
  return bytes;
}

describe('a record', () => {
  test.each([0, 1, 65_536, 0xffffffff])('carries the number %i', (sequence) => {
    expect(readSequence(record(sequence, 1), 0)).toBe(sequence);
  });

  test('carries the time at which it should have been sent', () => {
    expect(readIntendedAt(record(7, 123_456.789), 0)).toBe(123_456.789);
  });

  test('is read where it lies', () => {
    const bytes = Buffer.concat([Buffer.from('odd'), record(7, 8.5)]);
    expect(readSequence(bytes, 3)).toBe(7);
    expect(readIntendedAt(bytes, 3)).toBe(8.5);
    expect(isFillerIntact(bytes, 3, recordBytes, 7)).toBe(true);
  });

  test('shows every single flipped bit', () => {
    for (let bit = 0; bit < recordBytes * 8; bit += 1) {
      const bytes = record(123_456, 9_876.5);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const seen = readSequence(bytes, 0) === -1 || !isFillerIntact(bytes, 0, recordBytes, 123_456);
      expect(seen, `bit ${bit}`).toBe(true);
    }
  });

  test('may be nothing but its header', () => {
    const bytes = Buffer.alloc(headerBytes);
    writeRecord(bytes, 5, 6);
    expect(readSequence(bytes, 0)).toBe(5);
    expect(isFillerIntact(bytes, 0, headerBytes, 5)).toBe(true);
  });
});
