/**
 * The wall clock of a node, set by the lab. libfaketime stands between the process and its clock (Debian: `libfaketime`); it takes its
 * offset from a file that it reads again each time, and leaves the monotonic clock as it is.
 */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/errors.ts';
import type { TestNode } from '../../support/node.ts';
import { NativeClient } from '../../support/native-client.ts';

const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];

export class FakedClock {
  /** For the node whose clock it is. */
  readonly env: NodeJS.ProcessEnv;
  readonly #folder = mkdtempSync(join(tmpdir(), 'outcry-clock-'));

  /** @throws UserError where there is no libfaketime */
  constructor() {
    const library = libraries.find((file) => existsSync(file));
    if (library === undefined)
      throw new UserError('clocks cannot be set without libfaketime: apt-get install libfaketime');
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    this.set(0);
  }

  get #file(): string {
    return join(this.#folder, 'offset');
  }

  /** From now on it is fast by so much, or slow. */
  set(fastMs: number): void {
    // Renamed, so that nobody reads half of it.
    writeFileSync(`${this.#file}.new`, `${fastMs < 0 ? '' : '+'}${(fastMs / 1_000).toFixed(3)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** By how much the clock of a node is fast, as it tells its clients. */
export async function fastMs(node: TestNode): Promise<number> {
  const native = await NativeClient.open(node.url, 'outcry.v1.json');
  try {
    const askedAt = Date.now();
    native.say({ type: 'connect', id: 1, version: 1 });
    const { time } = (await native.hear()) as { time: number };
    return time - (askedAt + Date.now()) / 2;
  } finally {
    await native.client.close();
  }
}
