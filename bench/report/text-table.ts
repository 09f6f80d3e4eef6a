/**
 * Rows in columns, for a terminal: the first column to the left, all others to the right.
 */
export function textTable(rows: readonly Record<string, string>[]): string {
  const names = columnsOf(rows);
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
        )
        .join('  '),
    )
    .join('\n');
}

/** All columns that a row has, in the order in which they first appear. */
export function columnsOf(rows: readonly Record<string, string>[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}
