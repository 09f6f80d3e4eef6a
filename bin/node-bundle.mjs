/**
 * The bundle that runs on Node, which cannot run TypeScript by itself before version 22.
 *
 * A published package brings `dist/main.mjs`. In a checkout it is made when it is missing or older than the sources, by
 * Bun's bundler, in a fraction of a second. `node bin/node-bundle.mjs` (`npm run build`) makes it in any case.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
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

export function build() {
  const bun = findBun();
  if (bun === null)
    throw new Error('dist/main.mjs is missing and Bun, which makes it, is too: run `npm install`');
  const format = ['--target=node', '--format=esm', '--packages=external', '--sourcemap=linked'];
  const place = ['--outdir', dirname(bundle), '--entry-naming', '[name].mjs'];
  const made = spawnSync(bun, ['build', join(source, 'main.ts'), ...format, ...place], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`dist/main.mjs cannot be made:\n${made.stderr}`);
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
