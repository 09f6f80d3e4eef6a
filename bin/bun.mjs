/**
 * Runs a script on the Bun that npm brought along: `node bin/bun.mjs FILE [ARGUMENT …]`. For our own tools.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { findBun } from './find-bun.mjs';

const bun = findBun();
if (bun === null) {
  process.stderr.write('the Bun runtime is missing: run `npm install`\n');
  process.exit(1);
}
const child = spawn(bun, ['--no-env-file', ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
