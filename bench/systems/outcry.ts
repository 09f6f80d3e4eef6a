/**
 * One Outcry node on either runtime, alone, with its default settings, heard by subscribers of one kind. Without the
 * launcher: the process is the node.
 */
import { fileURLToPath } from 'node:url';
import { nodeBundle } from '../../bin/node-bundle.mjs';
import { freePorts } from '../../scripts/cluster/ports.ts';
import type { DialectName } from '../generator/dialects/catalogue.ts';
import { startServer } from './server-process.ts';
import type { Codec, Runtime, System } from './system.ts';

const sources = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const dialectOf = {
  raw: 'raw',
  json: 'outcry-json',
  msgpack: 'outcry-msgpack',
} satisfies Record<Codec, DialectName>;

/** @param flags beyond those that give it free ports */
export function outcry(
  name: string,
  bare: string,
  {
    runtime,
    codec,
    flags = [],
    dialect = dialectOf[codec],
  }: { runtime: Runtime; codec: Codec; flags?: readonly string[]; dialect?: DialectName },
): System {
  return {
    ...{ name, bare, ours: { runtime, codec } },
    // A raw connection is in one room.
    manyChannels: codec !== 'raw',
    missing: () => null,
    async start(options) {
      // Not 0: workers let go of what that finds until the first of them listens, and an outgoing connection may take it.
      const [port] = await freePorts(1);
      return await startServer(
        {
          name,
          runtime,
          file: runtime === 'bun' ? sources : nodeBundle(),
          args: [
            ...['serve', '--runtime', runtime, '--host', '127.0.0.1', '--admin-port', '0'],
            ...['--port', String(port)],
            // The rivals take whoever comes, and so must we where handshakes are measured.
            ...['--log-format', 'json', '--max-handshakes-per-second', '1000000', ...flags],
          ],
          path: codec === 'raw' ? '/raw/bench' : '/',
          dialect,
        },
        options,
      );
    },
  };
}
