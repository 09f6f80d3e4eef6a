/**
 * The transport on Bun, whose server is uWebSockets inside. The only file that touches the `Bun` global.
 *
 * Quirks that are absorbed here, seen with Bun 1.4.5:
 *
 * - Limits default to 16 MiB each; all are always set.
 * - With `closeOnBackpressureLimit` a socket that would lose a message is closed; without it the loss is silent.
 * - Sends re-arm Bun's idle timer, so a dead peer that is published to would never be found. The timer is off;
 *   connections keep their own liveness from what they *receive*.
 * - An exception in a WebSocket handler reaches `uncaughtException` and leaves the socket open: every handler is wrapped.
 * - Bun answers some requests itself, before we see them: malformed ones (400, 505), more than about 190 headers or more
 *   than `requestHeadBytes` (431).
 * - `Expect: 100-continue` is answered with 100 before a request is seen; a body that is not read is thrown away, or with
 *   `Connection: close` ends in a reset that may overtake the answer.
 * - For a host name that is not known it reports whichever error came last: the name is looked up first.
 * - An empty message that was sent gives 0 bytes, as one that was dropped does: it counts as buffered.
 * - An upgrade names the first subprotocol that was offered, whatever it is, unless the header is set; an empty one is left
 *   out.
 * - `server.publish` compresses unless it is told not to; `ws.send` does not unless it is told to. Which extension is agreed on
 *   is read from the headers of the request, at the upgrade: what is not wanted is taken out of them first.
 * - `close(code)` on a peer that does not read keeps the descriptor for 8 to 16 s: use `terminate` for those.
 * - Publishing bytes that begin where a page of memory does costs up to eight times the user time: see `apart-from-page.ts`.
 */
import { lookup } from 'node:dns/promises';
import http from 'node:http';
import type { Payload } from '../channel/publication.ts';
import { type CloseCode, closeCodes, fitReason } from '../close-codes.ts';
import { apartFromPage } from './apart-from-page.ts';
import { closingCode } from './broken-frame.ts';
import { BunRequest } from './bun-request.ts';
import { listenError } from './listen-error.ts';
import type {
  HttpReply,
  Listen,
  Listener,
  ListenOptions,
  SendResult,
  Socket,
  SocketSession,
  Upgrade,
} from './transport.ts';

type Server = Bun.Server<BunSocket>;
type ServerWebSocket = Bun.ServerWebSocket<BunSocket>;

/**
 * Bytes of request line and headers that Bun reads before it answers 431 by itself. Above every `maxUrlBytes` and
 * `maxHeaderBytes`, so that those are answered and counted by us; 16 KiB is Bun's own default.
 */
const requestHeadBytes = 32_768;

/** A keep-alive connection without a request is closed after this. Half-sent requests end after 12 s, Bun's constant. */
const keepAliveSeconds = 10;

/** Each publication visits all of them: beyond this a listener does not pause any more. */
const maxServers = 64;

export const listenOnBun: Listen = async (options) => {
  await lookup(options.host).catch((error) => {
    throw listenError(error, options);
  });
  return new BunListener(options);
};

class BunListener implements Listener {
  readonly port: number;
  readonly #options: ListenOptions;
  /** The one that takes newcomers; null while it is paused. */
  #open: Server | null;
  /**
   * All with sockets. A server that was told to stop keeps them and their topics, and cannot listen again: each pause leaves
   * one behind, until its last socket has gone.
   */
  #servers: Server[];

  constructor(options: ListenOptions) {
    this.#options = options;
    this.#open = serve(options);
    this.#servers = [this.#open];
    this.port = this.#open.port ?? options.port;
  }

  publish(topic: string, payload: Payload, compress: boolean): SendResult {
    const placed = typeof payload === 'string' ? payload : apartFromPage(payload);
    // One server, as long as there was no pause: nothing is made per publication.
    if (this.#servers.length === 1) return publishOn(this.#servers[0] as Server, topic, placed, compress);
    return this.#publishOnEach(topic, placed, compress);
  }

  #publishOnEach(topic: string, payload: Payload, compress: boolean): SendResult {
    const results = this.#servers
      .filter((server) => server.subscriberCount(topic) > 0)
      .map((server) => publishOn(server, topic, payload, compress));
    if (results.length === 0 || results.includes('dropped')) return 'dropped';
    return results.includes('buffered') ? 'buffered' : 'sent';
  }

  pause(): void {
    if (this.#servers.length >= maxServers) return;
    void this.#open?.stop();
    this.#open = null;
  }

  resume(): boolean {
    if (this.#open !== null) return true;
    try {
      this.#open = serve({ ...this.#options, port: this.port });
    } catch {
      return false;
    }
    this.#servers = [...this.#servers.filter(({ pendingWebSockets }) => pendingWebSockets > 0), this.#open];
    return true;
  }

  stop(): void {
    for (const server of this.#servers) void server.stop(true);
    this.#servers = [];
  }
}

function publishOn(server: Server, topic: string, payload: Payload, compress: boolean): SendResult {
  const status = server.publish(topic, payload, compress);
  if (status === 0 && payload.length === 0 && server.subscriberCount(topic) > 0) return 'buffered';
  return toResult(status);
}

function serve(options: ListenOptions): Server {
  // Node's types call it read-only; on Bun it is the process-wide limit of Bun.serve as well.
  Object.assign(http, { maxHeaderSize: requestHeadBytes });
  const guard = (ws: ServerWebSocket, run: () => void): void => {
    try {
      run();
    } catch (error) {
      options.onError('session', error);
      ws.data.close(closeCodes.internalError);
    }
  };
  try {
    return Bun.serve<BunSocket>({
      hostname: options.host,
      port: options.port,
      reusePort: options.shared,
      idleTimeout: keepAliveSeconds,
      development: false,
      maxRequestBodySize: options.maxBodyBytes,
      fetch: (request, server) => answer(request, server, options),
      websocket: {
        maxPayloadLength: options.maxPayloadBytes,
        backpressureLimit: options.backpressureLimitBytes,
        closeOnBackpressureLimit: true,
        idleTimeout: 0,
        sendPings: false,
        perMessageDeflate: options.compress && { compress: 'shared', decompress: 'shared' },
        open: (ws) => guard(ws, () => ws.data.opened(ws)),
        // The hot path: written out, so that no closure is made per message.
        message(ws, payload) {
          try {
            ws.data.session.received(payload);
          } catch (error) {
            options.onError('session', error);
            ws.data.close(closeCodes.internalError);
          }
        },
        ping: (ws) => guard(ws, () => ws.data.session.controlFrame()),
        pong: (ws) => guard(ws, () => ws.data.session.controlFrame()),
        close: (ws, code, reason) =>
          guard(ws, () => ws.data.session.closed({ code: closingCode(code, reason) })),
      },
    });
  } catch (error) {
    throw listenError(error, options);
  }
}

type Answer = Response | undefined;

/** Not an async function: an upgrade must happen in the turn in which the request came, or what follows it is lost. */
function answer(request: Request, server: Server, options: ListenOptions): Answer | Promise<Answer> {
  const settle = (decision: HttpReply | Upgrade): Answer => {
    try {
      return 'session' in decision ? upgrade(request, server, decision, options) : toResponse(decision);
    } catch (error) {
      return fail(error);
    }
  };
  const fail = (error: unknown): Response => {
    options.onError('request', error);
    return new Response('internal error\n', { status: 500 });
  };
  try {
    const decision = options.handle(new BunRequest(request));
    return decision instanceof Promise ? decision.then(settle, fail) : settle(decision);
  } catch (error) {
    return fail(error);
  }
}

function upgrade(
  request: Request,
  server: Server,
  { session, subprotocol = '', deflate = false }: Upgrade,
  { compress }: ListenOptions,
): Response | undefined {
  const data = new BunSocket(session);
  // A header takes time that a storm of handshakes does not have, and without an offer there is nothing to name or to hide.
  const offered = request.headers.has('sec-websocket-protocol');
  const headers = { 'Sec-WebSocket-Protocol': subprotocol };
  if (compress) agreeOn(deflate, request.headers);
  if (server.upgrade(request, offered ? { data, headers } : { data })) return undefined;
  // The peer went away meanwhile, or Bun found a flaw in the handshake that we did not.
  session.closed({ code: 1006 });
  return new Response('the handshake failed\n', { status: 400 });
}

function agreeOn(deflate: boolean, headers: Headers): void {
  if (deflate) headers.set('Sec-WebSocket-Extensions', 'permessage-deflate');
  else headers.delete('Sec-WebSocket-Extensions');
}

function toResponse(reply: HttpReply): Response {
  return new Response(reply.body ?? null, { status: reply.status, headers: reply.headers ?? {} });
}

/** The `data` of a Bun WebSocket: our socket, which knows its session. One small object per connection. */
class BunSocket implements Socket {
  readonly session: SocketSession;
  #ws: ServerWebSocket | null = null;

  constructor(session: SocketSession) {
    this.session = session;
  }

  opened(ws: ServerWebSocket): void {
    ws.binaryType = 'uint8array';
    this.#ws = ws;
    this.session.opened(this);
  }

  send(payload: Payload): SendResult {
    if (this.#ws === null) return 'dropped';
    const status = this.#ws.send(payload);
    if (status === 0 && payload.length === 0 && this.#ws.readyState === WebSocket.OPEN) return 'buffered';
    return toResult(status);
  }

  ping(): void {
    this.#ws?.ping();
  }

  close({ code, reason }: CloseCode): void {
    this.#ws?.close(code, fitReason(reason));
  }

  terminate(): void {
    this.#ws?.terminate();
  }

  subscribe(topic: string): void {
    this.#ws?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#ws?.unsubscribe(topic);
  }

  bufferedBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }
}

/** Bun: bytes sent, −1 buffered, 0 dropped. */
function toResult(status: number): SendResult {
  if (status > 0) return 'sent';
  return status === 0 ? 'dropped' : 'buffered';
}
