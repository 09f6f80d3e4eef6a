/**
 * The bundle that runs on Node, which cannot run TypeScript by itself before version 22.
 *
 * `node bin/node-bundle.mjs` (`npm run build`) makes it in any case.
 */
import { fileURLToPath } from 'node:url';
import { freshBundle, makeBundle } from './bundle.mjs';

const recipe = {
  file: 'dist/main.mjs',
  entry: 'src/main.ts',
  sources: ['src'],
  flags: ['--target=node', '--format=esm', '--packages=external', '--sourcemap=linked'],
};

/**
 * Returns the path of a bundle that is as new as the sources.
 *
 * @returns {string}
 * @throws {Error} with a sentence, if it is missing and cannot be made
 */
export function nodeBundle() {
  return freshBundle(recipe);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) makeBundle(recipe);
