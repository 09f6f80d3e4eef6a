/**
 * What `npm run cluster` shows: a table of the parts, then their lines, each behind the name of its process.
 */
import type { Part } from './cluster.ts';

/** Foreground colours that are readable on dark and on light: cyan, magenta, green, blue, red, yellow. */
const colours = [36, 35, 32, 34, 31, 33];

/** Returns `name | line` with the name padded, and coloured by `index` if wanted. */
export function prefixed(name: string, line: string, index: number, colour: boolean): string {
  const prefix = `${name.padEnd(7)} |`;
  return `${colour ? `\x1b[${colours[index % colours.length]}m${prefix}\x1b[0m` : prefix} ${line}`;
}

/** A table with one row for each process. */
export function table(parts: readonly Part[]): string {
  const header = ['process', 'pid', 'runtime', 'address', 'statistics'];
  const rows = parts.map(({ child, runtime, address, operators }) => [
    child.name,
    `${child.pid}`,
    runtime,
    address,
    operators,
  ]);
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}
