/**
 * A real Redis for a test, on a free port, without persistence, ended by its process id.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Child } from '../../scripts/cluster/child.ts';
import { executable } from '../../scripts/cluster/executable.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { redisIsReady } from '../../scripts/cluster/redis.ts';

/** Nothing is kept on disk: a Redis that starts again is empty. */
const inMemory = ['--save', '', '--appendonly', 'no'];

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
  #process: Child | null = null;
  /** Where it runs: a replica writes down what it gets from its master, whatever it was told about disks. */
  #folder = '';

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

  /** Starts it (again), empty, on the same port. Resolves when it answers. */
  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'outcry-redis-'));
    this.#process = new Child({
      name: 'redis',
      file: executable('redis-server'),
      args: [...this.#args, '--port', String(this.port), '--bind', '127.0.0.1'],
      cwd: this.#folder,
    });
    await redisIsReady(this.#process, this.port);
  }

  /** A client of its own, closed with the test's Redis. */
  client(): Redis {
    const client = new Redis(this.port, '127.0.0.1', { lazyConnect: false, retryStrategy: () => null });
    client.on('error', () => {});
    this.#clients.add(client);
    return client;
  }

  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  /** SIGKILL: no goodbye, nothing saved. */
  async kill(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    this.#process?.kill();
    await this.#process?.exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}
