/**
 * NATS over WebSocket, publisher and subscribers. Its defaults are its advice: it gathers what is on its way to a client and
 * writes it together; compression is off.
 */
import { freePorts } from '../../scripts/cluster/ports.ts';
import { executableOf, missingOf, natsServer } from './debian.ts';
import { startForeignServer } from './foreign-server.ts';
import type { System } from './system.ts';

export function nats(name: string, bare: string): System {
  return {
    ...{ name, bare, manyChannels: true },
    missing: () => missingOf(name, [natsServer]),
    async start(options) {
      const [port, clientPort] = (await freePorts(2)) as [number, number];
      const target = { host: '127.0.0.1', port, path: '/', dialect: 'nats' } as const;
      return await startForeignServer(
        {
          ...{ name, file: executableOf(natsServer), port, subscribeTo: target, publishTo: target },
          configuration: () => `host: 127.0.0.1
port: ${clientPort}
max_connections: 65536
websocket { host: 127.0.0.1, port: ${port}, no_tls: true, compression: false }
`,
          args: (configuration) => ['-c', configuration],
        },
        options,
      );
    },
  };
}
