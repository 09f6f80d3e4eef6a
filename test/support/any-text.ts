/**
 * Texts for property tests, of characters of every length in UTF-8.
 *
 * fast-check's own strings of any character take a second to be set up; these take none.
 */
import fc from 'fast-check';

const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0x80, max: 0x7ff }),
  fc.integer({ min: 0x800, max: 0xd7ff }),
  fc.integer({ min: 0xe000, max: 0xffff }),
  fc.integer({ min: 0x1_0000, max: 0x10_ffff }),
);

/** Well-formed text of up to so many characters, line breaks, control characters and byte order marks included. */
export function anyText(maxCharacters: number): fc.Arbitrary<string> {
  return fc
    .array(codePoint, { maxLength: maxCharacters, size: 'max' })
    .map((points) => String.fromCodePoint(...points));
}
