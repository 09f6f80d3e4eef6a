/**
 * A socket that writes down what is asked of it. With a session it behaves like a transport's: `close` and `terminate`
 * end the session.
 */
import type { Payload } from '../../src/channel/publication.ts';
import type { CloseCode } from '../../src/close-codes.ts';
import type { SendResult, Socket, SocketSession } from '../../src/transport/transport.ts';

export class FakeSocket implements Socket {
  readonly sent: Payload[] = [];
  readonly topics = new Set<string>();
  /** Codes with which it was closed. */
  readonly closes: number[] = [];
  readonly reasons: string[] = [];
  pings = 0;
  terminations = 0;
  /** Bytes that wait for this peer. */
  waiting = 0;
  /** The peer answers pings and close frames. */
  alive = true;
  readonly #session: SocketSession | null;

  constructor(session: SocketSession | null = null) {
    this.#session = session;
    session?.opened(this);
  }

  send(payload: Payload): SendResult {
    this.sent.push(payload);
    return 'sent';
  }

  ping(): void {
    this.pings += 1;
    if (this.alive) this.#session?.controlFrame();
  }

  close({ code, reason }: CloseCode): void {
    this.closes.push(code);
    this.reasons.push(reason);
    if (this.alive) this.#session?.closed({ code });
  }

  terminate(): void {
    this.terminations += 1;
    this.#session?.closed({ code: 1006 });
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic);
  }

  bufferedBytes(): number {
    return this.waiting;
  }
}
