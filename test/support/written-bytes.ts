/**
 * Bytes as a person writes them down: two hexadecimal digits for a byte, text in quotes of either kind, white space between.
 *
 *     writtenBytes('94 04 c0 a1 "a" a2 "hi"')
 */
export function writtenBytes(written: string): Buffer {
  const parts = written.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => (/^["']/.test(part) ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex'))),
  );
}
