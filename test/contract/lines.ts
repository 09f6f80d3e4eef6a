/**
 * Lines of JSON from a stream. Not `node:readline`: it also ends lines at U+2028, which JSON leaves as it is.
 */
import type { Readable } from 'node:stream';

/** Calls `take` with the value of each line, in order. */
export function onLines(input: Readable, take: (value: unknown) => void): void {
  let begun = '';
  input.setEncoding('utf8');
  input.on('data', (text: string) => {
    const lines = (begun + text).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) take(JSON.parse(line));
  });
}
