/**
 * The end of all connections of a node that stops: everybody who reads gets what was sent to it, then a close frame.
 *
 * A connection with bytes still waiting is left to take them and closed after; whoever has not by the deadline is
 * terminated, since a close frame would wait behind bytes that nobody reads.
 */
import type { Clock } from '../clock.ts';
import { closeCodes } from '../close-codes.ts';
import type { Connections } from './connections.ts';

/** How often connections with waiting bytes are looked at. */
const lookEveryMs = 50;

/**
 * What peers get to take the close frame before the process may exit: the kernel resets a connection, and throws away
 * what is under way to the peer, if a process exits with unread bytes from it.
 */
const lingerMs = 200;

/** Resolves when every connection has been closed and had time to hear of it; at once if there was none. */
export async function drain(connections: Connections, clock: Clock, timeoutMs: number): Promise<void> {
  if (connections.open === 0) return;
  const deadline = clock.now() + timeoutMs;
  closeThoseThatRead(connections);
  while (connections.open > 0 && clock.now() < deadline) {
    await wait(clock, Math.min(lookEveryMs, deadline - clock.now()));
    closeThoseThatRead(connections);
  }
  for (const connection of connections) connection.terminate('stopping');
  await wait(clock, Math.min(lingerMs, timeoutMs));
}

function closeThoseThatRead(connections: Connections): void {
  for (const connection of connections)
    if (connection.socket?.bufferedBytes() === 0) connection.close(closeCodes.goingAway, 'stopping');
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}
