/**
 * The SDK in two forms: what a node serves as `/outcry.js`, and what `import … from 'outcry/client'` finds.
 *
 * `node bin/client-bundle.mjs` (`npm run build`) makes both in any case.
 */
import { fileURLToPath } from 'node:url';
import { freshBundle, makeBundle } from './bundle.mjs';

const common = {
  entry: 'src/client/index.ts',
  sources: ['src/client', 'src/protocol'],
};

const forPages = {
  ...common,
  file: 'dist/outcry.js',
  flags: ['--target=browser', '--format=esm', '--minify'],
};

/** As it is written, for other people's bundlers and stack traces. */
const forPrograms = { ...common, file: 'dist/client.mjs', flags: ['--target=browser', '--format=esm'] };

/**
 * Makes sure that both are as new as the sources.
 *
 * @returns {{ forPages: string, forPrograms: string }} their paths
 * @throws {Error} with a sentence, if one is missing and cannot be made
 */
export function clientBundles() {
  return { forPages: freshBundle(forPages), forPrograms: freshBundle(forPrograms) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  makeBundle(forPages);
  makeBundle(forPrograms);
}
