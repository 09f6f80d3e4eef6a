/**
 * Writes to a socket; all that is written in one turn of the loop goes in one system call.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';

export class GatheredWrites {
  readonly #socket: Socket;
  readonly #clock: Pick<Clock, 'endOfTurn'>;
  #gathering = false;

  constructor(socket: Socket, clock: Pick<Clock, 'endOfTurn'>) {
    this.#socket = socket;
    this.#clock = clock;
  }

  /** The bytes must not change until they have gone. */
  write(bytes: Buffer): void {
    if (!this.#gathering) this.#gather();
    this.#socket.write(bytes);
  }

  #gather(): void {
    this.#gathering = true;
    this.#socket.cork();
    this.#clock.endOfTurn(() => {
      this.#gathering = false;
      this.#socket.uncork();
    });
  }
}
