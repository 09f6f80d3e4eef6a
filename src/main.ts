/**
 * The process: arguments and environment in, exit code out. Nothing else reads or sets either.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './cli/program.ts';
import { exitCodes, UserError } from './errors.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

// Whoever reads our lines has had enough (`outcry subscribe … | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failure);
});

try {
  await run({
    args: process.argv.slice(2),
    environment: process.env,
    version,
    // The same from `src/` and from the bundle in `dist/`.
    files: {
      demoFolder: new URL('../src/demo/', import.meta.url),
      dashboardFolder: new URL('../src/dashboard/', import.meta.url),
      sdk: new URL('../dist/outcry.js', import.meta.url),
      uplotFolder: packageFolder('uplot/dist/uPlot.esm.js'),
    },
    program: { file: process.execPath, args: [...process.execArgv, fileURLToPath(import.meta.url)] },
    exitNow: () => process.exit(exitCodes.failure),
    input: process.stdin,
    print: (text) => process.stdout.write(`${text}\n`),
    note: (text) => process.stderr.write(`outcry: ${text}\n`),
    stopped: async () => {
      await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)));
    },
  });
  process.exit(exitCodes.ok);
} catch (error) {
  if (error instanceof UserError) {
    for (const line of error.message.split('\n')) process.stderr.write(`outcry: ${line}\n`);
    process.exit(error.exitCode);
  }
  process.stderr.write(`outcry: this is a bug: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(exitCodes.failure);
}

/** Where a file of a package lies, as far as that is known: a node without it is better than none. */
function packageFolder(file: string): URL | null {
  try {
    return new URL('.', import.meta.resolve(file));
  } catch {
    return null;
  }
}
