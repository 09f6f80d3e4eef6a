/**
 * One WebSocket of uWebSockets.js: our socket, which knows its session.
 *
 * Quirks that are absorbed here, seen with 20.30:
 *
 * - Any method of a closed socket throws: the socket is forgotten when it closes.
 * - Publishing and then leaving one's last topic in the same turn discards what was published: an unsubscribing socket
 *   joins an empty topic first and keeps it.
 * - Half a surrogate pair in a string is sent as it is, in bytes that are no UTF-8, which no peer survives: replaced.
 */
import type { Payload } from '../channel/publication.ts';
import { type CloseCode, fitReason } from '../close-codes.ts';
import type { SendResult, Socket, SocketSession } from './transport.ts';
import type { uws } from './uws-library.ts';

export type ServerWebSocket = uws.WebSocket<UserData>;

/** What the library keeps per socket: it copies the properties onto an object of its own, so ours is one of them. */
export interface UserData {
  readonly socket: UwsSocket;
}

/** A topic that nobody publishes to, because the contract keeps U+0000 for the transport; see the quirks. */
const anchorTopic = '\u0000anchor';

export class UwsSocket implements Socket {
  readonly session: SocketSession;
  #ws: ServerWebSocket | null = null;

  constructor(session: SocketSession) {
    this.session = session;
  }

  opened(ws: ServerWebSocket): void {
    this.#ws = ws;
    this.session.opened(this);
  }

  closed(): void {
    this.#ws = null;
  }

  send(payload: Payload): SendResult {
    if (this.#ws === null) return 'dropped';
    const status = this.#ws.send(wellFormed(payload), typeof payload !== 'string');
    if (status === 1) return 'sent';
    return status === 0 ? 'buffered' : 'dropped';
  }

  ping(): void {
    this.#ws?.ping();
  }

  close({ code, reason }: CloseCode): void {
    this.#ws?.end(code, fitReason(reason));
  }

  terminate(): void {
    this.#ws?.close();
  }

  subscribe(topic: string): void {
    this.#ws?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#ws?.subscribe(anchorTopic);
    this.#ws?.unsubscribe(topic);
  }

  bufferedBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }
}

/** Replaces halves of surrogate pairs, as UTF-8 demands; V8 gives a string without them back as it is. */
export function wellFormed(payload: Payload): Payload {
  return typeof payload === 'string' ? payload.toWellFormed() : payload;
}
