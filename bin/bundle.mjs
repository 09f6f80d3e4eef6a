/**
 * Files in `dist/` that Bun's bundler makes of our sources. A published package brings them. In a checkout they are made when
 * they are missing or older than what they are made of, in a fraction of a second.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBun } from './find-bun.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} Recipe
 * @property {string} file what is made: `dist/main.mjs`. All paths start at the root of the package.
 * @property {string} entry
 * @property {readonly string[]} sources files and folders; what is made must not be older than any of them that is there
 * @property {readonly string[]} flags of `bun build`
 */

/**
 * Returns the path of a bundle that is as new as its sources.
 *
 * @param {Recipe} recipe
 * @returns {string}
 * @throws {Error} with a sentence, if it is missing or old and cannot be made
 */
export function freshBundle(recipe) {
  const file = join(root, recipe.file);
  const newest = Math.max(...recipe.sources.map((source) => newestIn(join(root, source))));
  if (modifiedAt(file) < newest) makeBundle(recipe);
  return file;
}

/**
 * Makes it elsewhere and moves it into place: two launchers may do so at once, and a third may be reading it.
 *
 * @param {Recipe} recipe
 * @throws {Error} with a sentence, if it cannot be made
 */
export function makeBundle({ file, entry, flags }) {
  const bun = findBun();
  if (bun === null)
    throw new Error(`${file} is missing and Bun, which makes it, is too: run \`npm install\``);
  const target = join(root, file);
  mkdirSync(dirname(target), { recursive: true });
  // Beside its place, because a source map names the sources by paths relative to it.
  const folder = mkdtempSync(`${dirname(target)}-`);
  try {
    const startedAt = new Date();
    const args = ['build', join(root, entry), ...flags, '--outdir', folder, '--entry-naming', basename(file)];
    const made = spawnSync(bun, args, { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`${file} cannot be made:\n${made.stderr}`);
    // A source that is saved while the bundler runs is newer than the bundle.
    utimesSync(join(folder, basename(file)), startedAt, startedAt);
    // The map goes first: whoever finds the bundle finds its map.
    for (const name of readdirSync(folder).sort((a, b) => b.length - a.length))
      renameSync(join(folder, name), join(dirname(target), name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file */
function modifiedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
}

/**
 * @param {string} path of a file or a folder
 * @returns {number}
 */
function newestIn(path) {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return modifiedAt(path);
  return Math.max(...readdirSync(path).map((name) => newestIn(join(path, name))));
}
