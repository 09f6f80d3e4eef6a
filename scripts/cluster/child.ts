/**
 * One process of a cluster: started, listened to, and ended by its process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { executableFinder } from '../debian-packages.ts';

/** Lines that are kept to explain a death. */
const keptLines = 12;

const find = executableFinder(process.env.PATH);

export interface ChildOptions {
  /** For people: `node-1`, `haproxy`. */
  name: string;
  /** Path of the executable. */
  file: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Gets each line of output, of both streams. */
  onLine?: ((line: string) => void) | undefined;
}

export class Child {
  readonly name: string;
  /** Resolves when the process is gone, with its exit code, or 128 + the signal that ended it. */
  readonly exited: Promise<number>;
  /** The last lines that it printed. */
  readonly lines: string[] = [];
  readonly #process: ChildProcess;

  constructor({ name, file, args, env, cwd, onLine }: ChildOptions) {
    this.name = name;
    const [program, ...rest] = [...dyingWithUs(), file, ...args];
    // A process group of its own: a terminal sends Ctrl-C to the whole group, and then all would end in no order.
    this.#process = spawn(program as string, rest, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env && { env }),
      ...(cwd && { cwd }),
    });
    this.exited = exitCode(this.#process);
    for (const input of [this.#process.stdout, this.#process.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line);
        if (this.lines.length > keptLines) this.lines.shift();
        onLine?.(line);
      });
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.pid !== 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Asks it to end, and after `graceMs` makes it, with its own children. May be called when it is gone already. */
  async stop({ signal = 'SIGTERM' as NodeJS.Signals, graceMs = 6_000 } = {}): Promise<number> {
    if (this.running) {
      this.signal('SIGCONT'); // A frozen one would not hear it.
      this.signal(signal);
    }
    if (!(await this.endsWithin(graceMs))) this.kill();
    return this.exited;
  }

  /** SIGKILL, to its own children too. */
  kill(): void {
    if (this.running) process.kill(-this.pid, 'SIGKILL');
  }

  /** Tells whether it is gone, now or within `ms`. */
  async endsWithin(ms: number): Promise<boolean> {
    const timeout = new AbortController();
    const late = new Promise<false>((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      timeout.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    const gone = await Promise.race([this.exited.then(() => true), late]);
    timeout.abort();
    return gone;
  }
}

/** Linux can end a process when the one that started it is gone, even by SIGKILL. setpriv keeps the process id. */
function dyingWithUs(): string[] {
  const setpriv = process.platform === 'linux' ? find('setpriv') : undefined;
  return setpriv ? [setpriv, '--pdeathsig', 'TERM', '--'] : [];
}

async function exitCode(child: ChildProcess): Promise<number> {
  try {
    const [code, signal] = await once(child, 'exit');
    return code ?? 128 + constants.signals[signal as NodeJS.Signals];
  } catch {
    return 127; // It did not start at all.
  }
}
