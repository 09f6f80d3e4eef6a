/**
 * A real Redis for a test, on a free port, without persistence, ended by its process id.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { endsWithUs } from './leftovers.ts';

/** Nothing is kept on disk: a Redis that starts again is empty. */
const inMemory = ['--save', '', '--appendonly', 'no'];

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export interface TestRedisOptions {
  port?: number;
  /** Lines of redis.conf, as arguments: `['--requirepass', 'secret']`. */
  flags?: readonly string[];
}

export class TestRedis {
  readonly port: number;
  readonly url: string;
  readonly #args: readonly string[];
  readonly #clients = new Set<Redis>();
  #process: ChildProcess | null = null;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#args = args;
  }

  static async start({ port, flags = [] }: TestRedisOptions = {}): Promise<TestRedis> {
    const redis = new TestRedis(port ?? (await freePort()), [...inMemory, ...flags]);
    await redis.start();
    return redis;
  }

  /** One that is not running yet: `start` starts it. */
  static async planned(): Promise<TestRedis> {
    return new TestRedis(await freePort(), inMemory);
  }

  /** A sentinel, which is a Redis in another mode. It writes into its file. */
  static async startSentinel(port: number, file: string): Promise<TestRedis> {
    const sentinel = new TestRedis(port, [file, '--sentinel']);
    await sentinel.start();
    return sentinel;
  }

  /** Starts it (again), empty, on the same port. Resolves when it accepts connections. */
  async start(): Promise<void> {
    const child = spawn('redis-server', [...this.#args, '--port', String(this.port), '--bind', '127.0.0.1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    endsWithUs(child);
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new Error(`redis-server ended with ${code}:\n${lines.join('\n')}`)),
      );
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        lines.push(line);
        if (/Ready to accept connections|Sentinel ID is/.test(line)) resolve();
      });
    });
  }

  /** A client of its own, closed with the test's Redis. */
  client(): Redis {
    const client = new Redis(this.port, '127.0.0.1', { lazyConnect: false, retryStrategy: () => null });
    client.on('error', () => {});
    this.#clients.add(client);
    return client;
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** SIGKILL: no goodbye, nothing saved. */
  async kill(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
