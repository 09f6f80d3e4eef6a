/**
 * A client that was only taken to be told when to come back: a page can read a close frame, and nothing of a 503.
 */
import { closeCodes, retryAfter } from '../close-codes.ts';
import type { Socket, SocketSession } from '../transport/transport.ts';

export class TurnedAway implements SocketSession {
  readonly #retryAfterMs: number;

  constructor(retryAfterMs: number) {
    this.#retryAfterMs = retryAfterMs;
  }

  opened(socket: Socket): void {
    socket.close(retryAfter(closeCodes.busy, this.#retryAfterMs));
  }

  received(): void {}

  controlFrame(): void {}

  closed(): void {}
}
