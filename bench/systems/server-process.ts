/**
 * A server in a process of its own that says in a line of JSON when it listens: `{"msg":"listening…","port":…}`.
 */
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { findBun } from '../../bin/find-bun.mjs';
import { Child } from '../../scripts/cluster/child.ts';
import type { DialectName } from '../generator/dialects/catalogue.ts';
import type { RunningSystem, Runtime, StartOptions } from './system.ts';

export interface Program {
  name: string;
  /** Null if the file needs none; it collects its garbage at SIGUSR2 as others do. */
  runtime: Runtime | null;
  file: string;
  args?: readonly string[];
  /** Where publisher and subscribers connect. */
  path: string;
  dialect: DialectName;
}

const preload = fileURLToPath(new URL('collect-garbage.mjs', import.meta.url));

/** @throws Error with its last words, if it ends before it listens */
export async function startServer(
  { name, runtime, file, args = [], path, dialect }: Program,
  { running, collectable = false }: StartOptions,
): Promise<RunningSystem> {
  const said = new EventEmitter();
  const toRun = command(runtime, collectable, file, args);
  const child = running.add(
    new Child({
      name,
      ...toRun,
      onLine: (line) => {
        const { msg, port, youngBytes } = fieldsOf(line);
        if (msg?.startsWith('listening')) said.emit('listening', port);
        else if (msg === 'collected') said.emit('collected', youngBytes);
      },
    }),
  );
  void child.exited.then((code) => {
    // `once` listens for errors while it waits; at any other time the end is expected, or seen by the generator.
    if (said.listenerCount('error') > 0)
      said.emit('error', new Error(`${name} ended with ${code}:\n${child.lines.join('\n')}`));
  });
  const [port] = await once(said, 'listening');
  const target = { host: '127.0.0.1', port, path, dialect };
  return {
    publishTo: target,
    subscribeTo: [target],
    command: [toRun.file, ...toRun.args].join(' '),
    pids: [child.pid],
    async collectGarbage() {
      const collected = once(said, 'collected');
      child.signal('SIGUSR2');
      return (await collected)[0];
    },
    stop: () => running.stop(child),
  };
}

function command(runtime: Runtime | null, collectable: boolean, file: string, args: readonly string[]) {
  if (runtime === null) return { file, args };
  if (runtime === 'node') {
    const flags = collectable ? ['--expose-gc', '--import', preload] : [];
    // The Node that npm runs on, which is the one that our own tests use.
    return { file: process.env.npm_node_execpath ?? 'node', args: [...flags, file, ...args] };
  }
  const bun = findBun();
  if (bun === null) throw new Error('the Bun runtime is missing: run `npm install`');
  return {
    file: bun,
    args: ['--no-env-file', ...(collectable ? ['--preload', preload] : []), file, ...args],
  };
}

function fieldsOf(line: string): { msg?: string; port?: number; youngBytes?: number } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
