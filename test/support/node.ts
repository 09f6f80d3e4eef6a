/**
 * A real node in a process of its own, started the way an operator starts it.
 *
 * Launcher and runtime form a process group, so that both can be ended by one id, even when they do not answer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/outcry.mjs', import.meta.url));
const anyFreePorts = ['--port', '0', '--admin-port', '0', '--log-format', 'json'];

export interface NodeProcess {
  readonly port: number;
  readonly adminPort: number;
  /** Of the demo page. */
  readonly url: string;
  /** Lines of standard output and standard error so far. */
  readonly logs: readonly string[];
  /** Asks it to stop (SIGTERM); resolves with the exit code when it has. */
  stop(): Promise<number | null>;
  /** Ends it without a goodbye (SIGKILL). */
  kill(): Promise<void>;
  /** Lets it stand still (SIGSTOP): its sockets stay open, nothing answers. Only `kill` ends it then. */
  freeze(): void;
}

/**
 * Resolves when the node listens.
 *
 * @param flags of `outcry serve`; ports are free ones and the log is JSON unless they say otherwise
 * @throws with the logs, when the process ends before it listens
 */
export async function startNode(flags: readonly string[] = []): Promise<NodeProcess> {
  const child = spawn(process.execPath, [launcher, 'serve', ...anyFreePorts, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && !hasExited(child)) process.kill(-child.pid, signal);
  };
  // A test run that ends early must not leave nodes behind.
  const killWithUs = (): void => signalGroup('SIGKILL');
  process.once('exit', killWithUs);
  void exited.finally(() => process.off('exit', killWithUs)).catch(() => {});

  const logs: string[] = [];
  const { port, adminPort } = await new Promise<Ports>((resolve, reject) => {
    readLines(child.stderr, (line) => logs.push(line));
    readLines(child.stdout, (line) => {
      logs.push(line);
      const ports = portsInLine(line);
      if (ports !== null) resolve(ports);
    });
    exited.then(
      (code) => reject(new Error(`the node ended with code ${code} before it listened:\n${logs.join('\n')}`)),
      reject,
    );
  });

  return {
    port,
    adminPort,
    url: `http://localhost:${port}`,
    logs,
    stop() {
      // To the launcher only, as a service manager does; it hands the signal on.
      child.kill('SIGTERM');
      return exited;
    },
    async kill() {
      signalGroup('SIGKILL');
      await exited;
    },
    freeze: () => signalGroup('SIGSTOP'),
  };
}

type Ports = Pick<NodeProcess, 'port' | 'adminPort'>;

function portsInLine(line: string): Ports | null {
  if (!line.startsWith('{')) return null;
  const { msg, port, adminPort } = JSON.parse(line);
  return String(msg).startsWith('listening') ? { port, adminPort } : null;
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream }).on('line', onLine);
}
