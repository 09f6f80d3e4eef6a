/**
 * The transport on Node, over uWebSockets.js.
 *
 * Quirks that are absorbed here, seen with 20.30:
 *
 * - SO_REUSEPORT is its default, so two programs can share a port without noticing: the port is taken exclusively unless it is
 *   to be shared.
 * - A message over `maxPayloadLength` ends in a bare TCP close. The limit given to it is twice ours, so that we can close
 *   with 1009 as the other runtime does; beyond twice the limit it is a bare close all the same.
 * - `publish` tells nothing, so every publish counts as one that somebody may not have taken at once.
 * - Any method of a closed socket throws: the socket is forgotten when it closes.
 * - Publishing and then leaving one's last topic in the same turn discards what was published: an unsubscribing socket
 *   joins an empty topic first and keeps it.
 * - Requests are only valid during their handler, and payloads die with theirs: what is needed later is copied first.
 * - `cork` around a late upgrade may close the new WebSocket at once: it takes it for the HTTP response that it was (fixed in
 *   uWebSockets #1929, July 2026; about 1 in 200 with 20.51). A late upgrade is therefore not corked, which costs 24 small
 *   writes and a warning of the library on stderr, for handshakes that had to wait for Redis only.
 * - A port that was asked for as 0 lacks SO_REUSEADDR: its dying connections keep it for a minute.
 * - Half a surrogate pair in a string is sent as it is, in bytes that are no UTF-8, which no peer survives: replaced.
 * - `endWithoutBody(length)` with a length above 0 is never finished, and an unfinished answer ends the process.
 * - Its own idle timeout may be 0 or 8 to 960 s, anything else ends the process: 0, connections keep their own liveness.
 * - Text that is not UTF-8 and other broken frames end in a bare close (1006), without 1007 or 1002.
 *
 * What cannot be absorbed stands in docs/security.md, row by row beside the other runtime.
 */
import { STATUS_CODES } from 'node:http';
import { createServer } from 'node:net';
import type { Payload } from '../channel/publication.ts';
import { type CloseCode, closeCodes, fitReason } from '../close-codes.ts';
import { exitCodes, UserError } from '../errors.ts';
import { closingCode } from './broken-frame.ts';
import { listenError } from './listen-error.ts';
import type {
  HttpReply,
  HttpRequest,
  Listen,
  Listener,
  ListenOptions,
  SendResult,
  Socket,
  SocketSession,
  Upgrade,
} from './transport.ts';
import { loadUws, type Uws, type uws } from './uws-library.ts';
import { UwsBody } from './uws-body.ts';

type ServerWebSocket = uws.WebSocket<UserData>;

/** What the library keeps per socket: it copies the properties onto an object of its own, so ours is one of them. */
interface UserData {
  readonly socket: UwsSocket;
}

type ListenAt = (
  host: string,
  port: number,
  options: number,
  done: (socket: uws.us_listen_socket | false) => void,
) => void;

/** LIBUS_LISTEN_DEFAULT and LIBUS_LISTEN_EXCLUSIVE_PORT, which the types have as an enum that does not exist at run time. */
const sharedPort = 0;
const exclusivePort = 1;

/** A topic that nobody publishes to, because the contract keeps U+0000 for the transport; see the quirks. */
const anchorTopic = '\u0000anchor';

export const listenOnUws: Listen = async (options) => {
  const library = loadUws();
  const listener = UwsListener.start(library, options);
  if (listener !== null) return listener;
  throw listenError(await reasonWhyNot(options), options);
};

class UwsListener implements Listener {
  readonly port: number;
  readonly #library: Uws;
  readonly #app: uws.TemplatedApp;
  readonly #options: ListenOptions;
  /** Null while it is paused or has stopped. */
  #listenSocket: uws.us_listen_socket | null;

  private constructor(
    library: Uws,
    app: uws.TemplatedApp,
    options: ListenOptions,
    listenSocket: uws.us_listen_socket,
  ) {
    this.#library = library;
    this.#app = app;
    this.#options = options;
    this.#listenSocket = listenSocket;
    this.port = library.us_socket_local_port(listenSocket as uws.us_socket);
  }

  /** Null if the address could not be bound; the library does not say why. */
  static start(library: Uws, options: ListenOptions): UwsListener | null {
    const app = application(library, options);
    const bound = bind(app, options, options.port);
    return bound === null ? null : new UwsListener(library, app, options, bound);
  }

  publish(topic: string, payload: Payload, compress: boolean): SendResult {
    const delivered = this.#app.publish(topic, wellFormed(payload), typeof payload !== 'string', compress);
    return delivered ? 'buffered' : 'dropped';
  }

  pause(): void {
    if (this.#listenSocket !== null) this.#library.us_listen_socket_close(this.#listenSocket);
    this.#listenSocket = null;
  }

  resume(): boolean {
    this.#listenSocket ??= bind(this.#app, this.#options, this.port);
    return this.#listenSocket !== null;
  }

  stop(): void {
    this.pause();
  }
}

function bind(
  app: uws.TemplatedApp,
  { host, shared }: Pick<ListenOptions, 'host' | 'shared'>,
  port: number,
): uws.us_listen_socket | null {
  let bound: uws.us_listen_socket | false = false;
  // The types know no options beside a host; the function does.
  const { listen } = app as unknown as { listen: ListenAt };
  listen.call(app, host, port, shared ? sharedPort : exclusivePort, (socket) => {
    bound = socket;
  });
  return bound === false ? null : bound;
}

function application(library: Uws, options: ListenOptions): uws.TemplatedApp {
  const guard = (ws: ServerWebSocket, run: (socket: UwsSocket) => void): void => {
    const { socket } = ws.getUserData();
    try {
      run(socket);
    } catch (error) {
      options.onError('session', error);
      socket.close(closeCodes.internalError);
    }
  };
  return library
    .App()
    .ws<UserData>('/*', {
      maxPayloadLength: 2 * options.maxPayloadBytes,
      maxBackpressure: options.backpressureLimitBytes,
      closeOnBackpressureLimit: 1,
      idleTimeout: 0,
      sendPingsAutomatically: false,
      compression: options.compress
        ? library.SHARED_COMPRESSOR | library.SHARED_DECOMPRESSOR
        : library.DISABLED,
      upgrade: (response, request, context) => upgradeOrAnswer(response, request, context, options),
      open: (ws) => guard(ws, (socket) => socket.opened(ws)),
      // The hot path: written out, so that no closure is made per message.
      message(ws, message, isBinary) {
        const { socket } = ws.getUserData();
        try {
          if (message.byteLength > options.maxPayloadBytes) socket.close(closeCodes.messageTooBig);
          else
            socket.session.received(
              isBinary ? new Uint8Array(message) : Buffer.from(message).toString('utf8'),
            );
        } catch (error) {
          options.onError('session', error);
          socket.close(closeCodes.internalError);
        }
      },
      ping: (ws) => guard(ws, (socket) => socket.session.controlFrame()),
      pong: (ws) => guard(ws, (socket) => socket.session.controlFrame()),
      close(ws, code, reason) {
        const { socket } = ws.getUserData();
        socket.closed();
        try {
          socket.session.closed({ code: closingCode(code, Buffer.from(reason).toString()) });
        } catch (error) {
          options.onError('session', error);
        }
      },
    })
    .any('/*', (response, request) => answer(response, request, options));
}

/** A request with a well-formed `Sec-WebSocket-Key`: all others come to `answer`, where the guard finds their flaw. */
function upgradeOrAnswer(
  response: uws.HttpResponse,
  request: uws.HttpRequest,
  context: uws.us_socket_context_t,
  options: ListenOptions,
): void {
  const key = request.getHeader('sec-websocket-key');
  decide(response, request, options, ({ session, subprotocol = '', deflate = false }) => {
    // Not what was offered: the library agrees on windows that it does not keep then.
    const extensions = deflate ? 'permessage-deflate' : '';
    response.upgrade<UserData>({ socket: new UwsSocket(session) }, key, subprotocol, extensions, context);
  });
}

function answer(response: uws.HttpResponse, request: uws.HttpRequest, options: ListenOptions): void {
  decide(response, request, options, ({ session }) => {
    session.closed({ code: 1006 });
    send(response, { status: 400, body: 'the handshake failed\n' }, false);
  });
}

function decide(
  response: uws.HttpResponse,
  request: uws.HttpRequest,
  options: ListenOptions,
  upgrade: (decision: Upgrade) => void,
): void {
  const body = new UwsBody(response);
  const asked = new UwsRequest(request, body);
  const withoutBody = asked.method === 'HEAD';
  const settle = (decision: HttpReply | Upgrade): void => {
    if ('session' in decision) upgrade(decision);
    else send(response, decision, withoutBody);
  };
  const fail = (error: unknown): void => {
    options.onError('request', error);
    send(response, { status: 500, body: 'internal error\n' }, withoutBody);
  };
  try {
    const decision = options.handle(asked);
    if (!(decision instanceof Promise) && !endsConnection(decision)) {
      settle(decision);
      return;
    }
    body.watch();
    Promise.resolve(decision)
      .then(inItsTurn)
      .then(
        (settled) => {
          if (!('session' in settled)) {
            if (!body.gone) response.cork(() => settle(settled));
          } else if (body.gone) settled.session.closed({ code: 1006 });
          else upgrade(settled);
        },
        (error) => {
          if (body.gone) options.onError('request', error);
          else response.cork(() => fail(error));
        },
      )
      .catch((error) => options.onError('request', error));
  } catch (error) {
    fail(error);
  }
}

/**
 * An answer that ends the connection is given in a later turn: a request that came with the one that it answers ends the
 * connection then, instead of being served behind the answer.
 */
async function inItsTurn(decision: HttpReply | Upgrade): Promise<HttpReply | Upgrade> {
  if (endsConnection(decision)) await new Promise((resolve) => setImmediate(resolve));
  return decision;
}

function endsConnection(decision: HttpReply | Upgrade): boolean {
  return !('session' in decision) && decision.headers?.Connection === 'close';
}

function send(
  response: uws.HttpResponse,
  { status, headers = {}, body = '' }: HttpReply,
  withoutBody: boolean,
): void {
  response.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
  const { Connection: connection, ...others } = headers;
  for (const [name, value] of Object.entries(others)) response.writeHeader(name, value);
  const close = connection === 'close';
  if (withoutBody) endWithoutBody(response, Buffer.byteLength(body), close);
  else response.end(body, close);
}

/** An answer to HEAD. With a close the library insists on a length of its own; 0 is the only one that it can finish. */
function endWithoutBody(response: uws.HttpResponse, lengthBytes: number, close: boolean): void {
  if (close) {
    response.endWithoutBody(0, true);
    return;
  }
  response.writeHeader('Content-Length', String(lengthBytes));
  response.endWithoutBody();
}

/** Everything that is asked of a request later, copied while it is valid. */
class UwsRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly urlBytes: number;
  readonly #headers = new Map<string, string>();
  readonly #body: UwsBody;
  #headerBytes = 0;

  constructor(request: uws.HttpRequest, body: UwsBody) {
    this.#body = body;
    this.method = request.getMethod().toUpperCase();
    this.path = pathOf(request.getUrl());
    this.query = request.getQuery() ?? '';
    this.urlBytes = this.path.length + (this.query === '' ? 0 : this.query.length + 1);
    request.forEach((name, value) => {
      const before = this.#headers.get(name);
      this.#headers.set(name, before === undefined ? value : `${before}, ${value}`);
      this.#headerBytes += name.length + value.length;
    });
  }

  header(name: string): string | null {
    return this.#headers.get(name) ?? null;
  }

  headerBytes(): number {
    return this.#headerBytes;
  }

  readBody(maxBytes: number): Promise<Uint8Array | 'too large'> {
    const length = this.header('content-length');
    // Without either header there is no body, and the library would never say that it has ended.
    if (length === null && this.header('transfer-encoding') === null)
      return Promise.resolve(new Uint8Array());
    return this.#body.read(length === null ? null : Number(length), maxBytes);
  }

  bodyChunks(): AsyncIterable<Uint8Array> {
    return this.#body.chunks();
  }
}

/** A target may be absolute (RFC 9112, section 3.2.2); its path is what counts. */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  const slash = target.indexOf('/', target.indexOf('://') + 3);
  return slash === -1 ? '/' : target.slice(slash);
}

/** Our socket, which knows its session. */
class UwsSocket implements Socket {
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
function wellFormed(payload: Payload): Payload {
  return typeof payload === 'string' ? payload.toWellFormed() : payload;
}

/** The library says only that it could not listen; the system says why when it is asked the same. */
async function reasonWhyNot({ host, port }: ListenOptions): Promise<unknown> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => {
      server.close();
      resolve(new UserError(`port ${port} on ${host} cannot be bound`, exitCodes.cannotListen));
    });
  });
}
