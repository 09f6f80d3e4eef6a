/**
 * A real node for a test, as the launcher starts it, on free ports; ended by its process id. The launcher itself, a quarter of what a
 * start costs, has tests of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { programOf } from '../../bin/program.mjs';
import { endsWithUs } from './leftovers.ts';
import { until } from './until.ts';

export interface TestNode {
  readonly pid: number;
  readonly port: number;
  readonly adminPort: number;
  /** `ws://127.0.0.1:<port>` */
  readonly url: string;
  /** Of the demo page. */
  readonly pageUrl: string;
  /** Everything that it printed so far, line by line. */
  readonly logs: readonly string[];
  /** Resolves with the exit code when the process is gone: 128 + its number after a signal, as in a shell. */
  readonly exited: Promise<number>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and wait. Returns the exit code. May be called when it is gone already. */
  stop(): Promise<number>;
  /** SIGKILL: no goodbye to anybody. */
  kill(): Promise<number>;
  /** SIGSTOP to the node: its sockets stay open, nothing answers until `thaw` or `kill`. */
  freeze(): void;
  thaw(): void;
  /** The value of a series like `outcry_connections_open` or `x_total{reason="full"}`. */
  metric(series: string): Promise<number>;
  /** Resolves when a series has the value; fails after ten seconds with what it has. */
  untilMetric(series: string, value: number): Promise<void>;
  /** Status of `/health/ready`. */
  ready(): Promise<number>;
  /** Resolves when it is this one. */
  untilReady(status: number): Promise<void>;
  /** Resolves when a line of its log matches. */
  untilLog(pattern: RegExp): Promise<void>;
  /** Resident memory of the process in bytes. */
  residentBytes(): Promise<number>;
}

/** @param flags of `outcry serve`; ports are free ones unless they are named @param within a program that runs another one, as `prlimit` */
export async function startNode(
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Promise<TestNode> {
  const args = ['serve', '--port', '0', '--admin-port', '0', '--log-format', 'json', ...flags];
  const { program, programArgs, environment } = programOf(args, { ...process.env, ...env });
  const [first, ...rest] = [...within, program, ...programArgs];
  // By the channel it knows, as with the launcher, when this process has died, and ends.
  const child = spawn(first as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: environment,
  });
  child.channel?.unref();
  const logs: string[] = [];
  const exited = once(child, 'exit').then(
    ([code, signal]): number => code ?? 128 + constants.signals[signal as NodeJS.Signals],
  );
  endsWithUs(child);
  const { pid, port, adminPort } = await listening(child, logs, exited);
  const admin = `http://127.0.0.1:${adminPort}`;

  const metric = async (series: string) => {
    const text = await (await fetch(`${admin}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    if (line === undefined) throw new Error(`no series ${series} in\n${text}`);
    return Number(line.slice(series.length + 1));
  };
  const ready = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status;
  return {
    pid,
    port,
    adminPort,
    url: `ws://127.0.0.1:${port}`,
    pageUrl: `http://localhost:${port}`,
    logs,
    exited,
    signal: (signal) => void child.kill(signal),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
    kill() {
      if (child.exitCode === null && child.signalCode === null) process.kill(pid, 'SIGKILL');
      return exited;
    },
    freeze: () => void process.kill(pid, 'SIGSTOP'),
    thaw: () => void process.kill(pid, 'SIGCONT'),
    metric,
    async untilMetric(series, value) {
      await until(
        () => metric(series),
        (seen) => seen === value,
        { what: `${series} = ${value}` },
      );
    },
    ready,
    async untilReady(status) {
      await until(ready, (seen) => seen === status, { what: `ready ${status}` });
    },
    async untilLog(pattern) {
      await until(
        () => logs,
        (lines) => lines.some((line) => pattern.test(line)),
        { what: `${pattern}` },
      );
    },
    residentBytes: () => metric('process_resident_memory_bytes'),
  };
}

async function listening(child: ChildProcess, logs: string[], exited: Promise<number>) {
  const lines = [child.stdout, child.stderr].map((input) => {
    if (input === null) throw new Error('the node has no output to read');
    return createInterface({ input });
  });
  return await new Promise<Listening>((resolve, reject) => {
    for (const reader of lines)
      reader.on('line', (line) => {
        logs.push(line);
        const fields = parse(line);
        if (fields?.msg?.startsWith('listening')) resolve(fields);
      });
    void exited.then((code) =>
      reject(new Error(`the node ended with ${code} before it listened:\n${logs.join('\n')}`)),
    );
  });
}

interface Listening {
  msg: string;
  pid: number;
  port: number;
  adminPort: number;
}

function parse(line: string): Listening | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
