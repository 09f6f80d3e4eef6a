/**
 * The engine of Centrifugo, the Go library centrifuge, as the program in `baselines/centrifuge`, which says how it is set up.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { startForeignServer } from './foreign-server.ts';
import type { System } from './system.ts';

const sources = fileURLToPath(new URL('../baselines/centrifuge/', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/outcry-bench/', import.meta.url));
const executable = `${cache}centrifuge-server`;

/**
 * Compiles it, where Go is there and it has not been done already. Go fetches what it is made of.
 *
 * @returns a sentence about what became of it
 */
export function buildCentrifuge(): string {
  if (!hasGo()) return 'centrifuge is left out: Go is not installed';
  if (existsSync(executable) && statSync(executable).mtimeMs > statSync(`${sources}main.go`).mtimeMs)
    return 'centrifuge is compiled already';
  mkdirSync(cache, { recursive: true });
  try {
    execFileSync('go', ['build', '-o', executable, '.'], {
      cwd: sources,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    return 'centrifuge is left out: it could not be compiled';
  }
  return 'centrifuge is compiled';
}

export function centrifuge(name: string, bare: string): System {
  return {
    ...{ name, bare, manyChannels: true },
    missing: () =>
      existsSync(executable)
        ? null
        : `${name} was left out: it is not compiled (npm run bench -- setup, which needs Go)`,
    async start(options) {
      const [port] = (await freePorts(1)) as [number];
      const target = {
        host: '127.0.0.1',
        port,
        path: '/connection/websocket',
        dialect: 'centrifuge',
      } as const;
      return await startForeignServer(
        {
          ...{ name, file: executable, port, subscribeTo: target, publishTo: target },
          configuration: () => '',
          args: () => [`127.0.0.1:${port}`],
        },
        options,
      );
    },
  };
}

function hasGo(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
