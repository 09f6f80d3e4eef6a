/**
 * A program in Go in `baselines/`. `npm run bench -- setup` builds it where Go is installed, into a folder that git ignores,
 * under a name that follows from its sources: one that is older than these is not there.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executableFinder, type Finder } from '../../scripts/debian-packages.ts';

/** Everything that decides on what is built. */
const sources = ['main.go', 'go.mod', 'go.sum'];

const builtPrograms = fileURLToPath(new URL('../.cache/', import.meta.url));

export interface GoProgramOptions {
  name: string;
  /** Where its sources are. */
  folder: string;
  /** Where it is built to. */
  builtTo?: string;
  find?: Finder;
}

export class GoProgram {
  readonly name: string;
  readonly #folder: string;
  readonly #builtTo: string;
  readonly #find: Finder;

  constructor({
    name,
    folder,
    builtTo = builtPrograms,
    find = executableFinder(process.env.PATH),
  }: GoProgramOptions) {
    this.name = name;
    this.#folder = folder;
    this.#builtTo = builtTo;
    this.#find = find;
  }

  /** Where it is once it is built. */
  get file(): string {
    const hash = createHash('sha256');
    for (const source of sources) hash.update(readFileSync(join(this.#folder, source)));
    return join(this.#builtTo, `${this.name}-${hash.digest('hex').slice(0, 16)}`);
  }

  /** Version of a module that it is built with, without the v. @throws Error if it is not */
  versionOf(module: string): string {
    const lines = readFileSync(join(this.#folder, 'go.mod'), 'utf8').split('\n');
    const words = lines.map((line) =>
      line
        .replace(/^require /, '')
        .trim()
        .split(' '),
    );
    const version = words.find(([name]) => name === module)?.[1];
    if (version === undefined) throw new Error(`${this.name} is not built with ${module}`);
    return version.replace(/^v/, '');
  }

  /** True where Go is installed. */
  get canBeBuilt(): boolean {
    return this.#find('go') !== undefined;
  }

  /** Why it cannot be started, and what to do about it; null if it can. */
  missing(): string | null {
    if (existsSync(this.file)) return null;
    if (!this.canBeBuilt) return 'Go is not installed';
    return 'it is not built (npm run bench -- setup)';
  }

  /**
   * Builds it if it is missing, with the messages of Go on the terminal. This can take minutes and fetches modules.
   *
   * Returns a sentence if it fails.
   */
  build(): string | null {
    const { file } = this;
    if (existsSync(file)) return null;
    const go = this.#find('go');
    if (go === undefined) return `${this.name} cannot be built: Go is not installed`;
    // Beside its place: whoever finds it finds all of it.
    const unfinished = `${file}.unfinished`;
    mkdirSync(dirname(file), { recursive: true });
    const { status, error } = spawnSync(go, ['build', '-o', unfinished, '.'], {
      cwd: this.#folder,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status === 0 && existsSync(unfinished)) {
      renameSync(unfinished, file);
      return null;
    }
    rmSync(unfinished, { force: true });
    return `${this.name} cannot be built: ${error?.message ?? `go build failed with ${status}`}`;
  }
}
