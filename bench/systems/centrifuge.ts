/**
 * Centrifuge, the library that Centrifugo is made of, in a program of its own (`baselines/centrifuge/`): publisher and
 * subscribers over WebSocket in Protobuf, which carries bytes as they are.
 */
import { fileURLToPath } from 'node:url';
import { GoProgram } from './go-program.ts';
import { startServer } from './server-process.ts';
import type { System } from './system.ts';

export const centrifugeProgram = new GoProgram({
  name: 'centrifuge',
  folder: fileURLToPath(new URL('../baselines/centrifuge/', import.meta.url)),
});

/**
 * @param writeDelayMs how long messages to a client wait for others
 * @param historySize publications that are kept of each channel, for clients that come back
 */
export function centrifuge(
  name: string,
  bare: string,
  { writeDelayMs, historySize = 0 }: { writeDelayMs: number; historySize?: number },
): System {
  return {
    ...{ name, bare, manyChannels: true },
    missing() {
      const missing = centrifugeProgram.missing();
      return missing === null ? null : `${name} was left out: ${missing}`;
    },
    async start(options) {
      const missing = centrifugeProgram.missing();
      if (missing !== null) throw new Error(`${name} cannot be started: ${missing}`);
      return await startServer(
        {
          ...{ name, runtime: null, file: centrifugeProgram.file },
          args: ['-write-delay', `${writeDelayMs}ms`, '-history-size', String(historySize)],
          ...{ path: '/', dialect: 'centrifuge' },
        },
        options,
      );
    },
  };
}
