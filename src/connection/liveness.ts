/**
 * Finds peers that are gone: what counts is what arrives from them, never what we send.
 *
 * Each connection is visited three times per idle timeout. Between two visits something arrived: it lives. Nothing
 * arrived: it is pinged, which every WebSocket and every native client answers. Still nothing at the next visit: it is terminated.
 * So a peer that dies is found within one idle timeout, and one that only listens is pinged every other visit.
 *
 * One timer serves all connections. When the process itself stood still (SIGSTOP, a long pause), pongs may wait in the
 * sockets unread: a visit that comes late is left out, and everybody gets another period.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';

const visitsPerTimeout = 3;

export class Liveness {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #onWaiting: () => void;
  readonly #tickMs: number;
  readonly #timer: Timer;
  #slot = 0;
  #ticksToSkip = 0;
  #lastTick: number;

  /** @param onWaiting called for a connection for which bytes wait, whatever they are */
  constructor(connections: Connections, clock: Clock, idleTimeoutMs: number, onWaiting: () => void) {
    this.#onWaiting = onWaiting;
    this.#connections = connections;
    this.#clock = clock;
    this.#tickMs = idleTimeoutMs / visitsPerTimeout / connections.slots.length;
    this.#lastTick = clock.now();
    this.#timer = clock.every(this.#tickMs, () => this.#tick());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    const now = this.#clock.now();
    const late = now - this.#lastTick - this.#tickMs;
    this.#lastTick = now;
    const { slots } = this.#connections;
    // A stall as long as the time between ping and verdict could condemn a peer that answered in time.
    if (late > (this.#tickMs * slots.length) / 2) this.#ticksToSkip = slots.length;
    if (this.#ticksToSkip > 0) this.#ticksToSkip -= 1;
    else
      for (const connection of this.#connections.inSlot(this.#slot)) {
        if ((connection.socket?.bufferedBytes() ?? 0) > 0) this.#onWaiting();
        visit(connection);
      }
    this.#slot = (this.#slot + 1) % slots.length;
  }
}

function visit(connection: Connection): void {
  connection.controlFrames = 0;
  if (connection.heard) {
    connection.heard = false;
    connection.pinged = false;
  } else if (connection.pinged) {
    connection.terminate('liveness_timeout');
  } else {
    connection.pinged = true;
    connection.ping();
  }
}
