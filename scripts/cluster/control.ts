/**
 * How a running cluster is asked for something by another process: a Unix socket that is named like HAProxy's port. There is one
 * thing to ask, `roll`. The answer is a line for each step, then `done`, or `failed` and why.
 */
import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exitCodes, UserError } from '../../src/errors.ts';

function pathOf(port: number): string {
  return join(tmpdir(), `outcry-cluster-${port}.sock`);
}

/**
 * Listens until it is closed. Only for whoever owns the port: what was left there is removed.
 *
 * @param roll rejects with what went wrong
 */
export async function listenForOrders(
  port: number,
  roll: (say: (line: string) => void) => Promise<void>,
): Promise<Server> {
  const path = pathOf(port);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => {}); // Whoever asked is gone; the work goes on.
    roll((line) => socket.write(`${line}\n`)).then(
      () => socket.end('done\n'),
      (error: Error) => socket.end(`failed ${error.message.replaceAll('\n', ' ')}\n`),
    );
  });
  server.listen(path);
  await once(server, 'listening');
  chmodSync(path, 0o600);
  return server;
}

/**
 * Resolves when every node of the cluster behind this port has been replaced.
 *
 * @throws UserError when there is no such cluster, or a node did not come back
 */
export async function orderRoll(port: number, print: (line: string) => void): Promise<void> {
  const socket = connect(pathOf(port));
  let last = 'failed the cluster has ended';
  try {
    await once(socket, 'connect');
  } catch {
    throw new UserError(`no cluster runs on port ${port}; --port says which one to roll`);
  }
  for await (const line of createInterface({ input: socket })) {
    last = line;
    if (!/^(done|failed)\b/.test(line)) print(line);
  }
  if (last !== 'done') throw new UserError(last.replace(/^failed /, ''), exitCodes.failure);
}
