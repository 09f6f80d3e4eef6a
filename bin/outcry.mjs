#!/usr/bin/env node
/**
 * Starts Outcry: finds the runtime, runs `src/main.ts` on it, hands signals on, and ends with its exit code.
 *
 * Plain JavaScript, because it must run before anything that understands TypeScript has been found.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { programOf } from './program.mjs';

/** Signals this close together are one Ctrl-C: terminal and npm both deliver it. */
const coalesceMs = 1_000;
/** What a node gets to exit by itself after it was told twice. */
const graceMs = 1_000;

const args = process.argv.slice(2);
const { program, programArgs, environment } = wanted();

// The channel tells the node when this process is killed, so that it never outlives its launcher unnoticed.
const child = spawn(program, programArgs, {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  env: environment,
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

function wanted() {
  try {
    return programOf(args, process.env);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string} sentence
 * @returns {never}
 */
function fail(sentence) {
  process.stderr.write(`outcry: ${sentence}\n`);
  process.exit(1);
}
