/**
 * A Redis of a benchmark's own, which can be killed and comes back empty at the same port.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../scripts/cluster/child.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { redisIsReady, spawnRedis } from '../../scripts/cluster/redis.ts';
import type { Running, Stoppable } from './running.ts';

export class OwnRedis {
  readonly port: number;
  readonly #running: Running;
  readonly #folder: string;
  readonly #files: Stoppable;
  #child: Child;

  private constructor(port: number, running: Running) {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
    this.port = port;
    this.#running = running;
    this.#folder = folder;
    this.#files = running.add({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
    this.#child = running.add(spawnRedis({ port, folder }));
  }

  /** Resolves when it answers. */
  static async start(running: Running): Promise<OwnRedis> {
    const [port] = (await freePorts(1)) as [number];
    const redis = new OwnRedis(port, running);
    await redisIsReady(redis.#child, port);
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
    await this.#running.stop(this.#child);
  }

  /** After `kill`. Resolves when it answers. */
  async startAgain(): Promise<void> {
    this.#child = this.#running.add(spawnRedis({ port: this.port, folder: this.#folder }));
    await redisIsReady(this.#child, this.port);
  }

  async stop(): Promise<void> {
    await this.#running.stop(this.#child);
    await this.#running.stop(this.#files);
  }
}
