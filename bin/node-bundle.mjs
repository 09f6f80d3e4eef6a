/**
 * The bundle that runs on Node, which cannot run TypeScript by itself before version 22. It holds the packages too:
 * to find some hundred files of theirs at each start costs CPU.
 *
 * `node bin/node-bundle.mjs` (`npm run build`) makes it in any case. Flags of `bun build` may follow: what is published is made with
 * `--packages=external`, since there the packages come with it, and with their licences.
 */
import { fileURLToPath } from 'node:url';
import { freshBundle, makeBundle } from './bundle.mjs';

const recipe = {
  file: 'dist/main.mjs',
  entry: 'src/main.ts',
  sources: ['src', 'package-lock.json'],
  // It is native, and looks for its own file.
  flags: ['--target=node', '--format=esm', '--external', 'uWebSockets.js', '--sourcemap=linked'],
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

if (process.argv[1] === fileURLToPath(import.meta.url))
  makeBundle({ ...recipe, flags: [...recipe.flags, ...process.argv.slice(2)] });
