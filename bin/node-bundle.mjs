/**
 * The bundle that runs on Node, which cannot run TypeScript by itself before version 22.
 *
 * A published package brings `dist/main.mjs`. In a checkout it is made when it is missing or older than the sources, by
 * Bun's bundler, in a fraction of a second. `node bin/node-bundle.mjs` (`npm run build`) makes it in any case.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBun } from './find-bun.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src');
const bundle = join(root, 'dist', 'main.mjs');

/**
 * Returns the path of a bundle that is as new as the sources.
 *
 * @returns {string}
 * @throws {Error} with a sentence, if it is missing and cannot be made
 */
export function nodeBundle() {
  const madeAt = modifiedAt(bundle);
  if (madeAt < newestIn(source)) build();
  return bundle;
}

/** Makes it elsewhere and moves it into place: two launchers may do so at once, and a third may be reading it. */
export function build() {
  const bun = findBun();
  if (bun === null)
    throw new Error('dist/main.mjs is missing and Bun, which makes it, is too: run `npm install`');
  mkdirSync(dirname(bundle), { recursive: true });
  // Beside its place, because the map names the sources by paths relative to it.
  const folder = mkdtempSync(`${dirname(bundle)}-`);
  try {
    const startedAt = new Date();
    const format = ['--target=node', '--format=esm', '--packages=external', '--sourcemap=linked'];
    const place = ['--outdir', folder, '--entry-naming', '[name].mjs'];
    const made = spawnSync(bun, ['build', join(source, 'main.ts'), ...format, ...place], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`dist/main.mjs cannot be made:\n${made.stderr}`);
    // A source that is saved while the bundler runs is newer than the bundle.
    utimesSync(join(folder, 'main.mjs'), startedAt, startedAt);
    renameSync(join(folder, 'main.mjs.map'), `${bundle}.map`);
    renameSync(join(folder, 'main.mjs'), bundle);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file */
function modifiedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

/**
 * @param {string} folder
 * @returns {number}
 */
function newestIn(folder) {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? newestIn(path) : modifiedAt(path);
  });
  return Math.max(...times);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
