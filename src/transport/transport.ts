/**
 * The contract between Outcry and a runtime's HTTP and WebSocket server.
 *
 * A transport translates and decides nothing: who may connect, what is said and who is cut off is decided above. It
 * promises:
 *
 * - **Order.** What is published to topics and what is sent to one socket arrive at it in the order of the calls, and a close
 *   behind them. A socket gets exactly what was published between its subscribe and its unsubscribe, in one turn of the
 *   loop too.
 * - **Loss is never silent.** A socket that would lose a payload because `backpressureLimitBytes` wait for it is closed
 *   (its peer sees 1006); it never stays open with a hole in its stream. The end may follow a turn or two later, and a peer that
 *   begins to read just then may get in front of it what was published meanwhile; on Bun that is very rare.
 * - **Cost.** `publish` hands the payload over once; the fan-out happens in native code, with no work per receiver here.
 * - **Compression.** Neither runtime shares a compressed message: it is compressed again for each receiver that agreed on
 *   it. No connection keeps a window of its own, in either direction, so that it costs no memory per connection. What
 *   arrives compressed is bounded by `maxPayloadBytes` as everything else is, before and after it was inflated.
 * - **Failure.** An exception in a session's handler closes that socket with 1011, is reported to `onError`, and goes no
 *   further.
 * - **Lifetime.** After `SocketSession.closed` the socket may still be called; nothing happens then, and nothing throws.
 *   Bytes given to `received` are only valid during the call; bytes given to `send` and `publish` are copied.
 */
import type { Payload } from '../channel/publication.ts';
import type { CloseCode } from '../close-codes.ts';

/**
 * - `sent`: as far as the runtime knows, the kernel took all of it.
 * - `buffered`: some of it waits in user space, for at least one receiver; or the runtime does not tell.
 * - `dropped`: at least one receiver did not get it (and is being closed), or there was no receiver at all.
 *
 * For `publish` this is a hint that somebody may be in trouble, not a receipt.
 */
export type SendResult = 'sent' | 'buffered' | 'dropped';

/** One open WebSocket. */
export interface Socket {
  send(payload: Payload): SendResult;
  ping(): void;
  /** Closes with a close frame, for peers that read. The reason is cut to 123 bytes. The session is told before it returns. */
  close(code: CloseCode): void;
  /**
   * Closes at once, without a close frame: the peer sees 1006. For peers that do not read. What was published in the same
   * turn may be lost. The session is told before it returns.
   */
  terminate(): void;
  /** A topic is any text that is not empty and does not begin with U+0000. Subscribing twice is subscribing once. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Bytes that wait in user space for this peer. */
  bufferedBytes(): number;
}

/** Why a socket closed, as far as the runtime tells. */
export interface Closing {
  /**
   * The code of the close frame, 1005 for a frame without one, 1006 without a frame. For a frame that broke the rules 1002,
   * 1007 or 1009, whether or not the runtime tells the peer; 1006 where it does not even tell us.
   */
  code: number;
}

/** What happens on one socket. The transport calls; a connection implements. */
export interface SocketSession {
  opened(socket: Socket): void;
  received(payload: Payload): void;
  /** A ping (which the runtime answers by itself) or a pong. */
  controlFrame(): void;
  /** Called exactly once. */
  closed(closing: Closing): void;
}

/** An HTTP request, read only as far as somebody asks. */
export interface HttpRequest {
  readonly method: string;
  /** The path as it stood in the request line, percent-encoding kept, without query. Bun has resolved its dot segments. */
  readonly path: string;
  /** What follows the `?`, or ''. */
  readonly query: string;
  /** Bytes of path and query. */
  readonly urlBytes: number;
  /** A header by its lower-case name; null if it is absent. Repeated headers are joined with `, `. */
  header(name: string): string | null;
  /** Bytes of all header names and values together. */
  headerBytes(): number;
  /**
   * The whole body, which belongs to the caller. A body that says that it is larger is refused before a byte of it is
   * read, one that does not say as soon as it is. Rejects when the peer goes away before the end: whatever is answered
   * then, nobody gets it.
   *
   * Of this and `bodyChunks` one may be called, once, within the call of the handler. What nobody asks for is thrown away.
   */
  readBody(maxBytes: number): Promise<Uint8Array | 'too large'>;
  /**
   * The body in pieces, each of which belongs to the caller; the peer is not read faster than they are taken.
   *
   * @throws BodyAborted (out of the iteration) when the peer goes away before the end
   */
  bodyChunks(): AsyncIterable<Uint8Array>;
}

export class BodyAborted extends Error {
  override readonly name = 'BodyAborted';
}

/** An answer that ends the request. With the header `Connection: close` it ends the connection, and nothing behind it is heard. */
export interface HttpReply {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}

/** The answer 101: the request becomes a WebSocket with this session. */
export interface Upgrade {
  session: SocketSession;
  /** One of those that the client offered, which the answer names. Without it the answer names none. */
  subprotocol?: string;
  /**
   * The answer agrees on permessage-deflate, without context takeover in either direction; the client must have offered it
   * without `server_max_window_bits`. Only on a listener with `compress`. Without it the answer names no extension.
   */
  deflate?: boolean;
}

export type RequestHandler = (request: HttpRequest) => HttpReply | Upgrade | Promise<HttpReply | Upgrade>;

export interface ListenOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  /**
   * Other processes of this user may listen on the same port, if all of them say so: the kernel gives each connection to one
   * of them (SO_REUSEPORT, Linux only). Otherwise the port is taken alone.
   */
  shared: boolean;
  handle: RequestHandler;
  maxPayloadBytes: number;
  /** Bodies of requests that say that they are larger may be refused by the runtime itself, with a bare 413. */
  maxBodyBytes: number;
  backpressureLimitBytes: number;
  /** Upgrades may ask for permessage-deflate. */
  compress: boolean;
  /** An exception in `handle` (`where` is `request`, answered with 500) or in a session (closed with 1011). */
  onError(where: 'request' | 'session', error: unknown): void;
}

/** One listening port with its sockets and topics. */
export interface Listener {
  /** The port that was bound. */
  readonly port: number;
  /**
   * Sends to every socket that is subscribed to the topic; the publisher's own included.
   *
   * @param compress for the sockets that agreed on permessage-deflate
   */
  publish(topic: string, payload: Payload, compress: boolean): SendResult;
  /**
   * Closes the port until `resume`, so that the kernel refuses whoever comes; sockets and topics stay, and so does what is
   * published to them. Called again it does nothing.
   */
  pause(): void;
  /** Opens the port again. @returns false if it cannot be bound now */
  resume(): boolean;
  /** Closes the port for good: nobody new. Whoever stops a node has closed its sockets before. */
  stop(): void;
}

/**
 * Binds a port, alone unless it is `shared`: a second listener on the same one fails.
 *
 * @throws UserError (exit code 3) when the address is taken or cannot be bound
 */
export type Listen = (options: ListenOptions) => Promise<Listener>;
