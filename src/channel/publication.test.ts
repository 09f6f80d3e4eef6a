import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { maxBytesOf } from './publication.ts';

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
