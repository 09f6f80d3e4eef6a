/**
 * A server that is no program of ours: started with a configuration in a folder of its own, ready when it takes a connection.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../scripts/cluster/child.ts';
import { untilReady } from '../../scripts/cluster/until.ts';
import type { Target } from '../generator/messages.ts';
import { withChildren } from './process-usage.ts';
import type { RunningSystem, StartOptions } from './system.ts';

export interface ForeignServer {
  name: string;
  file: string;
  /** Where it listens. */
  port: number;
  /** Its configuration file; the folder is for whatever else it writes. */
  configuration(folder: string): string;
  /** @param configuration path of that file */
  args(configuration: string): readonly string[];
  subscribeTo: Target;
  publishTo: Target;
}

/** @throws UserError with its last words, if it does not come up */
export async function startForeignServer(
  { name, file, port, configuration, args, subscribeTo, publishTo }: ForeignServer,
  { running }: StartOptions,
): Promise<RunningSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
  const files = running.add({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
  const configured = join(folder, 'server.conf');
  writeFileSync(configured, configuration(folder));
  const child = running.add(new Child({ name, file, args: args(configured) }));
  await untilReady(child, () => accepts(port));
  return {
    subscribeTo: [subscribeTo],
    publishTo,
    command: [file, ...args(configured)].join(' '),
    // A server that forks may do so after it listens.
    get pids() {
      return withChildren(child.pid);
    },
    collectGarbage: () => Promise.reject(new Error(`${name} cannot be asked to collect its garbage`)),
    async stop() {
      await running.stop(child);
      await running.stop(files);
    },
  };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
