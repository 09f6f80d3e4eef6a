/**
 * Ends native connections that do not say connect in time. All wait equally long, so they stand in a queue, and one timer
 * looks at its head.
 */
import type { Clock, Timer } from '../clock.ts';
import { closeCodes } from '../close-codes.ts';
import type { Connection } from './connection.ts';
import type { NativeState } from './native-state.ts';

interface Waiting {
  readonly connection: Connection<NativeState>;
  readonly until: number;
}

export class ConnectDeadline {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #queue: Waiting[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** From now on, the connection has its time to connect. */
  watch(connection: Connection<NativeState>): void {
    this.#queue.push({ connection, until: this.#clock.now() + this.#timeoutMs });
    this.#timer ??= this.#clock.after(this.#timeoutMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#queue = [];
  }

  #look(): void {
    const now = this.#clock.now();
    const due = this.#queue.findIndex(({ until }) => until > now);
    const late = this.#queue.splice(0, due === -1 ? this.#queue.length : due);
    for (const { connection } of late)
      if (!connection.state.connected) connection.close(closeCodes.connectTimeout, 'connect_timeout');
    const next = this.#queue[0];
    this.#timer = next === undefined ? null : this.#clock.after(next.until - now, () => this.#look());
  }
}
