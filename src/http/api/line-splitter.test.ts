import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

function linesOf(pieces: readonly Uint8Array[], maxLineBytes = 100): { lines: string[]; tooLong: boolean } {
  const splitter = new LineSplitter(maxLineBytes);
  const lines: string[] = [];
  for (const piece of pieces)
    for (const line of splitter.push(piece)) lines.push(Buffer.from(line).toString());
  if (!splitter.tooLong) lines.push(Buffer.from(splitter.end()).toString());
  return { lines, tooLong: splitter.tooLong };
}

const bytes = (text: string) => Buffer.from(text);

test('lines are the same wherever the pieces are cut', () => {
  const text = 'one\n\ntwé\r\n{"three":3}\nrest';
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(bytes(text).length)), (cuts) => {
      const sorted = [0, ...cuts.sort((a, b) => a - b), bytes(text).length];
      const pieces = sorted.slice(1).map((end, i) => bytes(text).subarray(sorted[i], end));
      expect(linesOf(pieces).lines).toEqual(text.split('\n'));
    }),
  );
});

test('what follows the last line feed may be nothing', () => {
  expect(linesOf([]).lines).toEqual(['']);
  expect(linesOf([bytes('a\n')]).lines).toEqual(['a', '']);
});

test('a line may be as long as allowed and no longer, in one piece or in many', () => {
  expect(linesOf([bytes('abcd\nabcd')], 4)).toEqual({ lines: ['abcd', 'abcd'], tooLong: false });
  expect(linesOf([bytes('a\nabcde\nb\n')], 4)).toEqual({ lines: ['a'], tooLong: true });
  expect(linesOf([bytes('ab'), bytes('cd'), bytes('e'), bytes('\nx\n')], 4)).toEqual({
    lines: [],
    tooLong: true,
  });
});
