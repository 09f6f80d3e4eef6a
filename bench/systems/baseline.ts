/**
 * The programs in `baselines/`: a runtime's own publish, bare and with batching by hand, and the libraries on Node.
 */
import { fileURLToPath } from 'node:url';
import type { DialectName } from '../generator/dialects/catalogue.ts';
import { startServer } from './server-process.ts';
import type { Runtime, System } from './system.ts';

const folder = new URL('../baselines/', import.meta.url);

export interface BaselineOptions {
  runtime: Runtime;
  /** In `baselines/`. */
  file: string;
  args?: readonly string[];
  /** It finds the channels of a subscriber in the address, unless it has a dialect of its own. */
  dialect?: DialectName;
}

export function baseline(
  name: string,
  bare: string,
  { runtime, file, args = [], dialect = 'listed' }: BaselineOptions,
): System {
  const program = { name, runtime, file: fileURLToPath(new URL(file, folder)), args, path: '/', dialect };
  return {
    ...{ name, bare, manyChannels: true },
    missing: () => null,
    start: (options) => startServer(program, options),
  };
}
