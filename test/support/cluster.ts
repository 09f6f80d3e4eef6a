/**
 * `npm run cluster` as an operator meets it, on free ports, with a way to see that it leaves nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endsWithUs } from './leftovers.ts';
import { until } from './until.ts';

/** Folders of this test run. */
const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const root = fileURLToPath(new URL('../../', import.meta.url));
const anyPort = ['--port', '0', '--stats-port', '0', '--tls-port', '0', '--base-port', '0'];

export class TestCluster {
  /** Everything that it printed. */
  readonly lines: string[] = [];
  /** Resolves with the exit code when it has ended and its output was read. */
  readonly exited: Promise<number>;
  /** Its TMPDIR, by which its processes are known. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'outcry-test-'));
  readonly #process: ChildProcess;

  constructor(flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    folders.push(this.#folder);
    this.#process = spawn(process.execPath, ['--import', 'tsx', 'scripts/cluster.ts', ...anyPort, ...flags], {
      cwd: root,
      env: { ...process.env, TMPDIR: this.#folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endsWithUs(this.#process);
    this.exited = once(this.#process, 'close').then(([code, signal]) => code ?? signal);
    for (const input of [this.#process.stdout, this.#process.stderr])
      createInterface({ input: input as NodeJS.ReadableStream }).on('line', (line) => this.lines.push(line));
  }

  /** Resolves when it has printed its table. */
  async ready(): Promise<this> {
    void this.exited.then((code) => this.lines.push(`(ended with ${code})`));
    await this.printed(/^Open |^\(ended with/);
    if (this.lines.some((line) => line.startsWith('(ended with'))) throw new Error(this.lines.join('\n'));
    return this;
  }

  /** Resolves when it has printed a line like this. */
  async printed(pattern: RegExp): Promise<void> {
    await until(
      () => this.lines,
      (lines) => lines.some((line) => pattern.test(line)),
      { withinMs: 20_000, what: `${pattern}` },
    );
  }

  /** A process of the table, by its name. */
  part(name: string): { pid: number; runtime: string; addresses: string[] } {
    const row = this.lines
      .map((line) => line.split(/\s+/))
      .find(([first, pid]) => first === name && Number(pid));
    if (row === undefined) throw new Error(`no ${name} in\n${this.lines.join('\n')}`);
    const [, pid, ...others] = row;
    const addresses = others.filter((each) => each.includes('://'));
    return { pid: Number(pid), runtime: others.find((each) => !addresses.includes(each)) ?? '', addresses };
  }

  /** Has another process order `roll`, and waits for its end. */
  roll(): Promise<{ code: number; lines: string[] }> {
    const [address = ''] = this.part('haproxy').addresses;
    const port = new URL(address).port;
    return TestCluster.order(['roll', '--port', port], { TMPDIR: this.#folder });
  }

  /** Runs `npm run cluster -- …` to its end. */
  static async order(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ code: number; lines: string[] }> {
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/cluster.ts', ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endsWithUs(child);
    const lines: string[] = [];
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => lines.push(line));
    const [code] = await once(child, 'close');
    return { code, lines };
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** SIGTERM, and wait. May be called when it is gone already. */
  stop(): Promise<number> {
    this.signal('SIGTERM');
    return this.exited;
  }

  /**
   * The processes that it started and that still run, by id and command line: those with its TMPDIR, and those that work
   * there, because Redis writes its title over its environment.
   */
  leftProcesses(): string[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          const ours =
            readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`TMPDIR=${this.#folder}\0`) ||
            readlinkSync(`/proc/${pid}/cwd`).startsWith(`${this.#folder}/`);
          return ours
            ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')}`]
            : [];
        } catch {
          return []; // Gone between two looks, or somebody else's.
        }
      });
  }

  /** Files that are left. tsx keeps there what it has compiled, for the next run. */
  leftFiles(): string[] {
    return readdirSync(this.#folder).filter((name) => !name.startsWith('tsx-'));
  }

  /** Removes what only a killed cluster leaves: its folder. */
  forgetFiles(): void {
    rmSync(this.#folder, { recursive: true });
    mkdirSync(this.#folder);
  }
}
