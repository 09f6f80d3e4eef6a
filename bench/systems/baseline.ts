/**
 * The programs in `baselines/`: a runtime's own publish, bare and with batching by hand.
 */
import { fileURLToPath } from 'node:url';
import { type Runtime, startServer } from './server-process.ts';
import type { System } from './system.ts';

const folder = new URL('../baselines/', import.meta.url);

export function baseline(
  name: string,
  runtime: Runtime,
  bare: string,
  file: string,
  ...args: string[]
): System {
  const program = { name, runtime, file: fileURLToPath(new URL(file, folder)), args, path: '/' };
  return { name, bare, isOurs: false, start: (options) => startServer(program, options) };
}
