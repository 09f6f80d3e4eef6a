/**
 * One Outcry node. Bun is started without the launcher, so that the process id is the node's own: killing it is the
 * point of a cluster on one machine.
 */
import { fileURLToPath } from 'node:url';
import { findBun } from '../../bin/find-bun.mjs';
import { exitCodes, UserError } from '../../src/errors.ts';
import { Child, type ChildOptions } from './child.ts';
import { untilReady } from './until.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface NodeOptions {
  id: string;
  port: number;
  adminPort: number;
  redisUrl: string;
  onLine?: ChildOptions['onLine'];
}

/** @throws UserError when Bun is missing */
export function spawnNode({ id, port, adminPort, redisUrl, onLine }: NodeOptions): Child {
  const bun = findBun();
  if (bun === null) throw new UserError('the Bun runtime is missing; run npm install', exitCodes.failure);
  const flags = {
    '--port': port,
    '--admin-port': adminPort,
    '--node-id': id,
    '--redis': redisUrl,
    '--log-format': 'pretty',
  };
  return new Child({
    name: id,
    file: bun,
    args: ['--no-env-file', main, 'serve', ...Object.entries(flags).flat().map(String)],
    onLine,
  });
}

/** Resolves when it is ready for clients: with a bridge, when it hears the other nodes. */
export function nodeIsReady(node: Child, port: number): Promise<void> {
  return untilReady(node, async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200);
}
