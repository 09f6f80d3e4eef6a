/**
 * One command of the program, run as a person runs it: through the launcher.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from './leftovers.ts';
import { until } from './until.ts';

const launcher = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));

export class TestCommand {
  readonly printed: string[] = [];
  readonly notes: string[] = [];
  /** Resolves with the exit code when everything that it printed was read. */
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;

  /** @param input what stands on its standard input */
  constructor(args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(process.execPath, [launcher, ...args], { env: { ...process.env, ...env } });
    endsWithUs(this.#child);
    const { stdin, stdout, stderr } = this.#child;
    if (stdin === null || stdout === null || stderr === null) throw new Error('a command needs its pipes');
    stdin.on('error', () => {}); // It may have ended without reading.
    stdin.end(input);
    createInterface({ input: stdout }).on('line', (line) => this.printed.push(line));
    createInterface({ input: stderr }).on('line', (line) => this.notes.push(line));
    this.exited = once(this.#child, 'close').then(([code]) => code as number);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes its standard output, as `| head -1` does when it has its line. */
  stopReading(): void {
    this.#child.stdout?.destroy();
  }

  async untilPrinted(lines: number): Promise<void> {
    await until(
      () => this.printed.length,
      (count) => count >= lines,
      { what: `${lines} lines` },
    );
  }

  async untilNote(pattern: RegExp): Promise<void> {
    await until(
      () => this.notes,
      (notes) => notes.some((note) => pattern.test(note)),
      { what: String(pattern) },
    );
  }
}
