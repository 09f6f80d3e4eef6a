/**
 * One Outcry node on either runtime, alone, with its default settings. Without the launcher: the process is the node.
 */
import { fileURLToPath } from 'node:url';
import { nodeBundle } from '../../bin/node-bundle.mjs';
import { type Runtime, startServer } from './server-process.ts';
import type { System } from './system.ts';

const sources = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export function outcry(name: string, runtime: Runtime, bare: string): System {
  return {
    name,
    bare,
    isOurs: true,
    start: (options) =>
      startServer(
        {
          name,
          runtime,
          file: runtime === 'bun' ? sources : nodeBundle(),
          args: [
            ...['serve', '--runtime', runtime, '--host', '127.0.0.1', '--port', '0', '--admin-port', '0'],
            ...['--log-format', 'json'],
          ],
          path: '/raw/bench',
        },
        options,
      ),
  };
}
