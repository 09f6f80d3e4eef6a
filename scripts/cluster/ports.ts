/**
 * TCP ports of this machine: which are taken, and some that are free.
 *
 * Asked by binding without SO_REUSEPORT. HAProxy uses that option, so two of them share a port without a word and each
 * gets half of the connections; whoever starts one must ask first.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below Linux' range for outgoing connections and for port 0, so that nobody gets one of these by chance. */
const firstPort = 20_000;
const portCount = 12_000;

/** Tells whether every address of this machine is free at `port`. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: '0.0.0.0', exclusive: true });
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Returns `count` different ports that are free now. Another program may still be quicker to take one. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = firstPort + Math.floor(Math.random() * portCount);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}
