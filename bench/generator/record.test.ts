import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { binaryRecords, quoteRecords, type RecordForm, type RecordHeader, textRecords } from './record.ts';

const recordBytes = 100;

describe.each([
  ['binary', binaryRecords],
  ['text', textRecords],
  ['quote', quoteRecords],
])('a %s record', (_, form: RecordForm) => {
  function record(header: Partial<RecordHeader>): Buffer {
    const bytes = Buffer.alloc(recordBytes);
    form.write(bytes, { sequence: 0, intendedAt: 1, channel: 0, run: 0, ...header });
    return bytes;
  }

  /** Null if it is damaged. */
  function read(bytes: Buffer, offset = 0): RecordHeader | null {
    const header = { sequence: -1, intendedAt: -1, channel: -1, run: -1 };
    return form.read(bytes, offset, header) ? header : null;
  }

  test.each([0, 1, 65_536, 0xffffffff])('carries the number %i', (sequence) => {
    expect(read(record({ sequence }))?.sequence).toBe(sequence);
  });

  test('carries the time at which it should have been sent, its channel and its run', () => {
    const header = { sequence: 7, intendedAt: 123_456.789, channel: 99_999, run: 255 };
    expect(read(record(header))).toEqual(header);
  });

  test('is read where it lies', () => {
    const bytes = Buffer.concat([Buffer.from('odd'), record({ sequence: 7, intendedAt: 8.5 })]);
    expect(read(bytes, 3)).toMatchObject({ sequence: 7, intendedAt: 8.5 });
    expect(form.isFillerIntact(bytes, 3, recordBytes, 7)).toBe(true);
  });

  test('shows every single flipped bit', () => {
    for (let bit = 0; bit < recordBytes * 8; bit += 1) {
      const bytes = record({ sequence: 123_456, intendedAt: 9_876.5 });
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const seen = read(bytes) === null || !form.isFillerIntact(bytes, 0, recordBytes, 123_456);
      expect(seen, `bit ${bit}`).toBe(true);
    }
  });

  test('may be nothing but its header', () => {
    const bytes = Buffer.alloc(form.headerBytes);
    form.write(bytes, { sequence: 5, intendedAt: 6, channel: 0, run: 0 });
    expect(read(bytes)?.sequence).toBe(5);
    expect(form.isFillerIntact(bytes, 0, form.headerBytes, 5)).toBe(true);
  });
});

test.each([
  ['text', textRecords],
  ['quote', quoteRecords],
])('a %s record has no character that JSON escapes', (_, form) => {
  for (let sequence = 0; sequence < 300; sequence += 1) {
    const bytes = Buffer.alloc(recordBytes);
    form.write(bytes, { sequence, intendedAt: sequence * 1.1, channel: sequence, run: 1 });
    const text = bytes.toString('latin1');
    expect(JSON.stringify(text)).toBe(`"${text}"`);
  }
});

test('quotes compress as text does: to a third, and not to nothing', () => {
  const bytes = Buffer.alloc(10_000);
  quoteRecords.write(bytes, { sequence: 3, intendedAt: 1, channel: 0, run: 0 });
  const share = deflateRawSync(bytes).length / bytes.length;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.5);
});
