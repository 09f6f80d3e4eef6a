/**
 * Where a scenario says what it found: rows for the terminal, every raw figure for the file, and a line of progress.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { versions } from './versions.ts';

export class Reporter {
  readonly #rows = new Map<string, Record<string, string>[]>();
  readonly #raw: object[] = [];
  readonly #notes: string[] = [];
  readonly #startedAt = new Date();
  readonly #command: string;

  /** @param command the line that makes the same report again */
  constructor(command: string) {
    this.#command = command;
  }

  /** A row of the table with that title. */
  row(table: string, cells: Record<string, string>): void {
    const rows = this.#rows.get(table) ?? [];
    rows.push(cells);
    this.#rows.set(table, rows);
  }

  /** The rows of a table so far. */
  rowsOf(table: string): readonly Record<string, string>[] {
    return this.#rows.get(table) ?? [];
  }

  /** Every figure of one run as it was measured, in the order of the runs; docs/benchmarks.md names what all have. */
  raw(figures: object): void {
    this.#raw.push(figures);
  }

  /** What a reader must know to judge a figure; written once each. */
  note(sentence: string): void {
    if (!this.#notes.includes(sentence)) this.#notes.push(sentence);
  }

  /** What is being done, over the last such line on a terminal. */
  progress(sentence: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${sentence}`);
    else process.stderr.write(`${sentence}\n`);
  }

  /** How far it is, on a terminal only. */
  tick(sentence: string): void {
    if (process.stderr.isTTY) this.progress(sentence);
  }

  /** Prints the tables and the notes. */
  print(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K');
    for (const [title, rows] of this.#rows) console.log(`\n${title}\n${table(rows)}`);
    if (this.#notes.length > 0) console.log(`\n${this.#notes.map((note) => `* ${note}`).join('\n')}`);
  }

  /** Writes everything as JSON. */
  write(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    const machine = {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      kernel: release(),
    };
    const report = {
      command: this.#command,
      startedAt: this.#startedAt.toISOString(),
      seconds: (Date.now() - this.#startedAt.getTime()) / 1_000,
      machine,
      versions: versions(),
      tables: Object.fromEntries(this.#rows),
      notes: this.#notes,
      raw: this.#raw,
    };
    writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
    console.log(`\nall figures: ${file}`);
  }
}

function table(rows: readonly Record<string, string>[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
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
