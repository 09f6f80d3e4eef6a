/**
 * Spares native connections that are slow what they need not get: of a channel that keeps latest values only the newest one
 * of each key counts.
 *
 * While a connection is slow it is off the topics of those channels, so that nothing of them is added to what waits for it.
 * When it has taken what waits it is brought back, channel by channel: `resync` sends the whole state and joins the topic again
 * in one turn. It stays a subscriber all the while, so the room stays open.
 *
 *     joined ─ slow ─ paused ─ drained ─ resync ─ joined
 *                        └─ not drained within `timeoutMs` ─ terminated
 *
 * Other channels cannot be conflated: what they add counts against the limits as ever (`slow-consumers.ts`).
 */
import type { Hub } from '../channel/hub.ts';
import type { Room } from '../channel/room.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Connection } from './connection.ts';
import { NativeSession } from './native-session.ts';
import { NativeState } from './native-state.ts';

/** How often it is looked whether they have drained. */
const lookEveryMs = 50;
/** Connections that are brought back at the same time: each holds the state of a channel. */
const maxResyncs = 16;

/**
 * Brings a connection back to a channel. In one turn: what is pending in the room is flushed, the connection is sent the
 * state of the channel and where that stands, and is on the topic again (`Hub.resume`). What it takes longer to find out
 * comes before that turn, in which the connection must still be open and the room still be in its state.
 *
 * @returns false if that is not possible now; then it is tried again. May reject, which means the same
 */
export type Resync = (connection: Connection<NativeState>, room: Room) => boolean | Promise<boolean>;

export interface ConflationOptions {
  /** Whether only the latest value of each key counts in a channel. */
  keepsLatest(channel: string): boolean;
  hub: Pick<Hub, 'pause'>;
  resync: Resync;
  /** With no more bytes than this waiting a connection has drained. */
  drainedBytes: number;
  /** How long it has for that, and for each channel to be brought back. */
  timeoutMs: number;
  clock: Clock;
  metrics: Pick<Metrics, 'conflations' | 'roomsConflated' | 'resyncs'>;
}

interface Conflated {
  readonly rooms: Set<Room>;
  /** Terminated then. */
  until: number;
  /** One of its rooms is being brought back. */
  busy: boolean;
}

export class Conflation {
  readonly #options: ConflationOptions;
  readonly #conflated = new Map<Connection<NativeState>, Conflated>();
  #resyncing = 0;
  #timer: Timer | null = null;

  constructor(options: ConflationOptions) {
    this.#options = options;
  }

  /** A connection falls behind. May be called again and again. */
  slow(connection: Connection): void {
    const { protocol, state, socket } = connection;
    if (!(protocol instanceof NativeSession) || !(state instanceof NativeState) || socket === null) return;
    const { keepsLatest, hub, metrics, clock, timeoutMs } = this.#options;
    for (const room of state.rooms()) {
      if (!keepsLatest(room.channel)) continue;
      const conflated = this.#conflated.get(connection as Connection<NativeState>);
      if (conflated?.rooms.has(room)) continue;
      hub.pause(room, protocol.codec, socket);
      metrics.conflations.value += 1;
      metrics.roomsConflated.value += 1;
      if (conflated === undefined)
        this.#conflated.set(connection as Connection<NativeState>, {
          rooms: new Set([room]),
          until: clock.now() + timeoutMs,
          busy: false,
        });
      else conflated.rooms.add(room);
    }
    if (this.#conflated.size > 0) this.#timer ??= clock.every(lookEveryMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#conflated.clear();
  }

  #look(): void {
    const { drainedBytes, clock } = this.#options;
    const now = clock.now();
    const isDrained = ({ socket }: Connection<NativeState>) => (socket?.bufferedBytes() ?? 0) <= drainedBytes;
    for (const [connection, conflated] of this.#conflated) {
      this.#dropLeft(connection, conflated);
      if (conflated.rooms.size === 0) {
        if (!conflated.busy) this.#conflated.delete(connection);
      } else if (now >= conflated.until) this.#giveUp(connection, conflated);
      else if (!conflated.busy && this.#resyncing < maxResyncs && isDrained(connection))
        void this.#bringBack(connection, conflated);
    }
    if (this.#conflated.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Rooms that it has left meanwhile; all of them if it has ended or is about to. */
  #dropLeft(connection: Connection<NativeState>, { rooms }: Conflated): void {
    const { state, socket } = connection;
    for (const room of rooms)
      if (socket === null || connection.ending || state.room(room.channel) !== room)
        this.#forget(rooms, room);
  }

  #giveUp(connection: Connection<NativeState>, conflated: Conflated): void {
    for (const room of conflated.rooms) this.#forget(conflated.rooms, room);
    this.#conflated.delete(connection);
    connection.terminate('slow_consumer');
  }

  /** One channel at a time: its state is taken before the next one's is sent. */
  async #bringBack(connection: Connection<NativeState>, conflated: Conflated): Promise<void> {
    const { resync, clock, timeoutMs, metrics } = this.#options;
    const [room] = conflated.rooms;
    if (room === undefined) return;
    conflated.busy = true;
    this.#resyncing += 1;
    // If it falls behind while it is brought back, it is paused anew.
    let isBack = false;
    try {
      const done = resync(connection, room);
      isBack = typeof done === 'boolean' ? done : await done;
    } catch {
      // The same as false: it is tried again until it is given up.
    }
    this.#resyncing -= 1;
    conflated.busy = false;
    metrics.resyncs.values[isBack ? 'done' : 'failed'] += 1;
    if (!isBack) {
      // To the end: others are not kept waiting by one that cannot be brought back.
      if (conflated.rooms.delete(room)) conflated.rooms.add(room);
      return;
    }
    this.#forget(conflated.rooms, room);
    conflated.until = clock.now() + timeoutMs;
  }

  #forget(rooms: Set<Room>, room: Room): void {
    if (rooms.delete(room)) this.#options.metrics.roomsConflated.value -= 1;
  }
}
