import { describe, expect, it } from 'vitest';
import { apartFromPage } from './apart-from-page.ts';

function bytesOf(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index % 251);
}

describe('keeping large payloads off the start of a page', () => {
  it('leaves what is small, and what begins elsewhere, where it is', () => {
    const small = bytesOf(16_383);
    const elsewhere = bytesOf(20_000).subarray(64);

    expect(apartFromPage(small)).toBe(small);
    expect(apartFromPage(elsewhere)).toBe(elsewhere);
  });

  it.each([
    ['the smallest that is affected', 16_384, 0],
    ['one that begins a page later', 40_000, 4_096],
    ['the largest that is copied into the buffer that is kept', 262_080, 0],
    ['a larger one', 300_000, 0],
  ])('copies %s', (_, size, offset) => {
    const bytes = bytesOf(offset + size).subarray(offset);

    const copy = apartFromPage(bytes);

    expect(copy.byteOffset % 4_096).toBe(64);
    expect(Buffer.compare(copy, bytes)).toBe(0);
  });

  it('shows nothing of what was copied before', () => {
    apartFromPage(new Uint8Array(100_000).fill(7));

    expect(apartFromPage(new Uint8Array(20_000)).includes(7)).toBe(false);
  });
});
