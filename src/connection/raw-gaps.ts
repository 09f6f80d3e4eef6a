/**
 * Ends raw connections in whose room publications may be missing, where the namespace says so (`rawGap`): they cannot be
 * told in band, but whoever comes back begins anew.
 *
 * A gap may concern every raw connection of the node, and all of them come back. So they are closed in random order, spread
 * over a window. Until it is its turn a connection goes on as before.
 *
 * The hub keeps no list of a room's members: they are found by one pass over all connections for the gaps of a moment. Who
 * has joined within that moment is closed too, though he has missed nothing.
 */
import type { Clock, Timer } from '../clock.ts';
import { closeCodes } from '../close-codes.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { type RawState, RawRoom } from './raw-room.ts';

/** Gaps of so long share one pass over the connections: when a node dies, its shards are missed one after the other. */
const gatherMs = 50;
/** How often it is looked whose turn it is. */
const lookEveryMs = 50;
/** Beyond its turn a connection has this long to take what waits for it, or the close frame would wait behind it. */
const drainMs = 1_000;

interface Leaving {
  readonly connection: Connection;
  readonly closeAt: number;
}

export interface RawGapsOptions {
  connections: Connections;
  /** Whether the raw members of a channel are closed. */
  closes(channel: string): boolean;
  /** The window over which they are, in milliseconds. */
  spreadMs: number;
  clock: Clock;
  /** From 0 to 1, as `Math.random`. */
  random(): number;
}

export class RawGaps {
  readonly #options: RawGapsOptions;
  /** Channels with a gap whose members have not been looked for yet. */
  readonly #channels = new Set<string>();
  /** Who leaves, the next one last. */
  #leaving: Leaving[] = [];
  readonly #known = new Set<Connection>();
  #search: Timer | null = null;
  #look: Timer | null = null;

  constructor(options: RawGapsOptions) {
    this.#options = options;
  }

  /** In a channel with raw members publications may be missing. */
  missed(channel: string): void {
    if (!this.#options.closes(channel)) return;
    this.#channels.add(channel);
    this.#search ??= this.#options.clock.after(gatherMs, () => this.#find());
  }

  stop(): void {
    this.#search?.cancel();
    this.#look?.cancel();
    this.#channels.clear();
    this.#leaving = [];
    this.#known.clear();
  }

  #find(): void {
    const { connections, clock, spreadMs, random } = this.#options;
    this.#search = null;
    const now = clock.now();
    for (const connection of connections) {
      if (!(connection.protocol instanceof RawRoom) || this.#known.has(connection)) continue;
      const state = connection.state as RawState;
      if (typeof state === 'string' || !this.#channels.has(state.channel)) continue;
      this.#known.add(connection);
      this.#leaving.push({ connection, closeAt: now + random() * spreadMs });
    }
    this.#channels.clear();
    if (this.#leaving.length === 0) return;
    this.#leaving.sort((one, other) => other.closeAt - one.closeAt);
    this.#look ??= clock.every(lookEveryMs, () => this.#closeDue());
  }

  #closeDue(): void {
    const now = this.#options.clock.now();
    const late: Leaving[] = [];
    for (
      let next = this.#leaving.at(-1);
      next !== undefined && next.closeAt <= now;
      next = this.#leaving.at(-1)
    ) {
      this.#leaving.pop();
      const { connection, closeAt } = next;
      if ((connection.socket?.bufferedBytes() ?? 0) > 0 && now - closeAt < drainMs) {
        late.push(next);
        continue;
      }
      this.#known.delete(connection);
      if ((connection.socket?.bufferedBytes() ?? 0) > 0) connection.terminate('gap');
      else connection.close(closeCodes.gap, 'gap');
    }
    // They were due earlier than all others.
    this.#leaving.push(...late.reverse());
    if (this.#leaving.length > 0) return;
    this.#look?.cancel();
    this.#look = null;
  }
}
