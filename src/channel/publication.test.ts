import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { maxBytesOf, Publication } from './publication.ts';

test('text is never estimated below the bytes that it takes', () => {
  fc.assert(
    fc.property(anyText(20), (payload) => {
      expect(maxBytesOf(payload)).toBeGreaterThanOrEqual(Buffer.byteLength(payload));
    }),
  );
});

test('bytes are counted as they are', () => {
  expect(maxBytesOf(new Uint8Array(new ArrayBuffer(10), 2, 5))).toBe(5);
});

describe('keeping', () => {
  test.each([
    ['a view of larger memory', (memory: ArrayBuffer) => new Uint8Array(memory, 1, 2)],
    ['a Buffer', (memory: ArrayBuffer) => Buffer.from(memory, 1, 2)],
  ])('copies %s, so that nothing else is kept and nothing can change it', (_what, view) => {
    const memory = new Uint8Array([9, 104, 105, 9]).buffer;
    const kept = [
      Publication.binary(view(memory), 0).keep(),
      Publication.text(view(memory), 0).keep(),
      Publication.json(view(memory), 0).keep(),
    ];
    structuredClone(memory, { transfer: [memory] }); // As a runtime does behind a handler.
    for (const { bytes } of kept) {
      expect([...bytes]).toEqual([104, 105]);
      expect(bytes.buffer.byteLength).toBe(2);
    }
    expect(kept[1]?.text).toBe('hi');
  });

  test('for long leaves nothing of the frame in memory, and what it is as it is', () => {
    // 2,000 parts of a few characters, of frames of 64 KiB: 128 MiB if they stayed.
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: 2_000 }, (_, i) => {
      const frame = `${i} ${'x'.repeat(65_536)}`;
      return Publication.text(`${frame.slice(0, 20)}`, 0).keepForLong();
    });
    expect(kept[7]?.text).toBe(`7 ${'x'.repeat(18)}`);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64_000_000);
    fc.assert(
      fc.property(anyText(20), (text) => {
        expect(Publication.json(text, 0).keepForLong().text).toBe(text);
      }),
    );
  });
});
