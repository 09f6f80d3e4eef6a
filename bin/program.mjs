/**
 * What a command line runs: the program for the runtime that it wants, in the environment that this needs.
 */
import { fileURLToPath } from 'node:url';
import { clientBundles } from './client-bundle.mjs';
import { findBun } from './find-bun.mjs';
import { nodeBundle } from './node-bundle.mjs';
import { nodeEnvironment } from './node-environment.mjs';
import { wantedRuntime } from './wanted-runtime.mjs';

/**
 * Makes what the program is made of, where that is missing or old.
 *
 * @param {readonly string[]} args of the command line
 * @param {NodeJS.ProcessEnv} environment
 * @returns {{ program: string, programArgs: string[], environment: NodeJS.ProcessEnv }}
 * @throws {Error} with a sentence, if the runtime is missing, or the program cannot be made for it
 */
export function programOf(args, environment) {
  // Which runtime a node wants is no matter of the commands that only talk to one.
  const onNode =
    !['publish', 'subscribe'].includes(args[0] ?? '') && wantedRuntime(args, environment) === 'node';
  const [program, ...flags] = onNode ? [process.execPath, '--enable-source-maps', nodeBundle()] : onBun();
  if (args[0] === 'serve') makeClient();
  return {
    program,
    programArgs: [...flags, ...args],
    environment: onNode ? nodeEnvironment(environment) : environment,
  };
}

/** @returns {[string, ...string[]]} */
function onBun() {
  const bun = findBun();
  if (bun === null)
    throw new Error(
      'the Bun runtime is missing: run `npm install` without --omit=optional, or put `bun` on the PATH',
    );
  return [bun, '--no-env-file', fileURLToPath(new URL('../src/main.ts', import.meta.url))];
}

/** A node serves the SDK; but a node without it is better than none. */
function makeClient() {
  try {
    clientBundles();
  } catch (error) {
    process.stderr.write(`outcry: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
