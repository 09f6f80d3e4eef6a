/**
 * One Outcry node, on either runtime. It is started without the launcher, so that the process id is the node's own:
 * killing it is the point of a cluster on one machine.
 */
import { fileURLToPath } from 'node:url';
import { findBun } from '../../bin/find-bun.mjs';
import { nodeBundle } from '../../bin/node-bundle.mjs';
import { exitCodes, UserError } from '../../src/errors.ts';
import { Child, type ChildOptions } from './child.ts';
import { untilReady } from './until.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Above two checks of HAProxy, which asks once a second. */
const drainDelayMs = 2_500;
/** Short, because somebody watches. */
const drainWindowMs = 3_000;
/** What a node gets to leave in good order at most, before it is killed: delay, window, and those who read slowly. */
export const leavesWithinMs = drainDelayMs + drainWindowMs + 6_000;

export type Runtime = 'bun' | 'node';

export interface NodeOptions {
  id: string;
  /** Bun unless named. */
  runtime?: Runtime;
  port: number;
  adminPort: number;
  redisUrl: string;
  /** Further flags of `outcry serve`. */
  flags?: readonly string[];
  onLine?: ChildOptions['onLine'];
}

/** @throws UserError when the runtime, or what is to run on it, is missing */
export function spawnNode({
  id,
  runtime = 'bun',
  port,
  adminPort,
  redisUrl,
  flags: more = [],
  onLine,
}: NodeOptions): Child {
  const [file, ...program] = programOn(runtime);
  const flags = {
    '--runtime': runtime,
    '--port': port,
    '--admin-port': adminPort,
    '--node-id': id,
    '--redis': redisUrl,
    '--log-format': 'pretty',
    '--drain-delay-ms': drainDelayMs,
    '--drain-window-ms': drainWindowMs,
  };
  return new Child({
    name: id,
    file,
    args: [...program, 'serve', ...Object.entries(flags).flat().map(String), ...more],
    onLine,
  });
}

function programOn(runtime: Runtime): [string, ...string[]] {
  if (runtime === 'node') {
    try {
      return [process.execPath, '--enable-source-maps', nodeBundle()];
    } catch (error) {
      throw new UserError((error as Error).message, exitCodes.failure);
    }
  }
  const bun = findBun();
  if (bun === null) throw new UserError('the Bun runtime is missing; run npm install', exitCodes.failure);
  return [bun, '--no-env-file', main];
}

/** Resolves when it is ready for clients: with a bridge, when it hears the other nodes. */
export function nodeIsReady(node: Child, port: number): Promise<void> {
  return untilReady(node, async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200);
}
