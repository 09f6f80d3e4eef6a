import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../test/support/any-text.ts';
import {
  type CloseCode,
  closeCodes,
  fitReason,
  maxReasonBytes,
  retryAfter,
  shouldComeBack,
} from './close-codes.ts';

const rows: [string, CloseCode][] = Object.entries(closeCodes);

describe('the table of close codes', () => {
  test.each(rows)('%s has a code that an endpoint may send', (_name, { code }) => {
    // RFC 6455, section 7.4: 1004, 1005, 1006 and 1015 never stand in a frame, 3000 to 4999 are free to use.
    const defined = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
    expect(defined || (code >= 3000 && code <= 4999)).toBe(true);
  });

  test.each(rows)('%s has a reason that fits into a close frame as it is', (_name, { reason }) => {
    expect(reason).not.toBe('');
    expect(fitReason(reason)).toBe(reason);
  });

  test('gives each meaning a number of its own', () => {
    const codes = rows.map(([, { code }]) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  test('sends back whoever was not at fault, and nobody else', () => {
    const comeBack = rows.filter(([, row]) => row.comeBack).map(([, { code }]) => code);
    expect(comeBack).toEqual([1001, 1011, 1013, 4001, 4003, 4002]);
  });

  test.each(rows)('%s says by its number whether to come back', (_name, { code, comeBack }) => {
    expect(shouldComeBack(code)).toBe(comeBack);
  });

  test.each(rows)('%s has a JSON object as its reason, with room for a delay', (_name, row) => {
    const delayed = retryAfter(row, 86_400_000);
    expect(JSON.parse(delayed.reason)).toEqual({ ...JSON.parse(row.reason), retryAfterMs: 86_400_000 });
    expect(fitReason(delayed.reason)).toBe(delayed.reason);
  });
});

describe('fitting a reason into a close frame', () => {
  test('keeps a reason of exactly 123 bytes', () => {
    expect(fitReason('a'.repeat(123))).toBe('a'.repeat(123));
    expect(fitReason(`${'a'.repeat(121)}é`)).toBe(`${'a'.repeat(121)}é`);
  });

  test('cuts the 124th byte off', () => {
    expect(fitReason('a'.repeat(124))).toBe('a'.repeat(123));
  });

  test.each([
    ['two bytes', 'é', 122],
    ['three bytes', '€', 121],
    ['three bytes, two of which would fit', '€', 122],
    ['four bytes', '😀', 120],
    ['four bytes, three of which would fit', '😀', 122],
  ])('drops a character of %s that straddles the edge as a whole', (_what, character, before) => {
    expect(fitReason('a'.repeat(before) + character.repeat(2))).toBe('a'.repeat(before));
  });

  test('keeps a byte order mark at the start of a reason that it cuts', () => {
    expect(fitReason(`\ufeff${'a'.repeat(200)}`)).toBe(`\ufeff${'a'.repeat(120)}`);
  });

  test('always gives at most 123 bytes, a prefix, as long as it can be, no character split', () => {
    const nearTheEdge = fc
      .tuple(fc.integer({ min: 110, max: 125 }), anyText(10))
      .map(([before, tail]) => 'a'.repeat(before) + tail);
    fc.assert(
      fc.property(fc.oneof(anyText(200), nearTheEdge), (reason) => {
        const fitted = fitReason(reason);
        expect(reason.startsWith(fitted)).toBe(true);
        expect(fitted.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(maxReasonBytes);
        const [next] = reason.slice(fitted.length);
        if (next !== undefined)
          expect(
            Buffer.byteLength(fitted + String.fromCodePoint(reason.codePointAt(fitted.length) ?? 0)),
          ).toBeGreaterThan(maxReasonBytes);
      }),
    );
  });
});
