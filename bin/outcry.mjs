#!/usr/bin/env node
/**
 * Starts Outcry: finds the runtime, runs `src/main.ts` on it, hands signals on, and ends with its exit code.
 *
 * Plain JavaScript, because it must run before anything that understands TypeScript has been found.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { clientBundles } from './client-bundle.mjs';
import { findBun } from './find-bun.mjs';
import { nodeBundle } from './node-bundle.mjs';
import { nodeEnvironment } from './node-environment.mjs';
import { wantedRuntime } from './wanted-runtime.mjs';

/** Signals this close together are one Ctrl-C: terminal and npm both deliver it. */
const coalesceMs = 1_000;
/** What a node gets to exit by itself after it was told twice. */
const graceMs = 1_000;

const args = process.argv.slice(2);
const [program, ...programArgs] = command();
if (args[0] === 'serve') makeClient();

// The channel tells the node when this process is killed, so that it never outlives its launcher unnoticed.
const child = spawn(program, [...programArgs, ...args], {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  env: program === process.execPath ? nodeEnvironment(process.env) : process.env,
});

/** @type {number | null} */
let firstSignalAt = null;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    firstSignalAt ??= performance.now();
    child.kill(signal);
    if (performance.now() - firstSignalAt > coalesceMs)
      setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
  });
}

child.on('error', (error) => {
  process.stderr.write(`outcry: cannot run ${program}: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
});

/** A node serves the SDK; but a node without it is better than none. */
function makeClient() {
  try {
    clientBundles();
  } catch (error) {
    process.stderr.write(`outcry: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** @returns {[string, ...string[]]} the runtime, its flags, and the program */
function command() {
  try {
    // Which runtime a node wants is no matter of the commands that only talk to one.
    if (!['publish', 'subscribe'].includes(args[0] ?? '') && wantedRuntime(args, process.env) === 'node')
      return [process.execPath, '--enable-source-maps', nodeBundle()];
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  const bun = findBun();
  if (bun === null)
    fail('the Bun runtime is missing: run `npm install` without --omit=optional, or put `bun` on the PATH');
  return [bun, '--no-env-file', fileURLToPath(new URL('../src/main.ts', import.meta.url))];
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  process.stderr.write(`outcry: ${sentence}\n`);
  process.exit(1);
}
