/**
 * The transport on Node, over uWebSockets.js. The only file that loads it.
 *
 * Quirks that are absorbed here, seen with 20.30:
 *
 * - Where its native part does not fit the Node version, a repackaging falls back to an imitation in JavaScript: refused.
 * - SO_REUSEPORT is its default, so two programs can share a port without noticing: the port is taken exclusively.
 * - A message over `maxPayloadLength` ends in a bare TCP close. The limit given to it is twice ours, so that we can close
 *   with 1009 as the other runtime does; beyond twice the limit it is a bare close all the same.
 * - `publish` tells nothing, so every publish counts as one that somebody may not have taken at once.
 * - Any method of a closed socket throws: the socket is forgotten when it closes.
 * - Publishing and then leaving one's last topic in the same turn discards what was published: an unsubscribing socket
 *   joins an empty topic first and keeps it.
 * - Requests are only valid during their handler, and payloads die with theirs: what is needed later is copied first.
 * - Its own idle timeout may be 0 or 8 to 960 s, anything else ends the process: 0, connections keep their own liveness.
 * - Text that is not UTF-8 and other broken frames end in a bare close (1006), without 1007 or 1002.
 */

import type uws from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { Payload } from '../channel/publication.ts';
import { type CloseCode, closeCodes, fitReason } from '../close-codes.ts';
import { exitCodes, UserError } from '../errors.ts';
import { listenError } from './listen-error.ts';
import type {
  BodyFailure,
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
import { UwsBody } from './uws-body.ts';

type Uws = typeof uws;
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

/** LIBUS_LISTEN_EXCLUSIVE_PORT, which the types have as an enum that does not exist at run time. */
const exclusivePort = 1;

/** A topic that nobody publishes to; see the quirks. */
const anchorTopic = 'anchor';

export const listenOnUws: Listen = async (options) => {
  const library = load();
  const listener = UwsListener.start(library, options);
  if (listener !== null) return listener;
  throw listenError(await reasonWhyNot(options), options);
};

class UwsListener implements Listener {
  readonly port: number;
  readonly #library: Uws;
  readonly #app: uws.TemplatedApp;
  readonly #listenSocket: uws.us_listen_socket;

  private constructor(library: Uws, app: uws.TemplatedApp, listenSocket: uws.us_listen_socket) {
    this.#library = library;
    this.#app = app;
    this.#listenSocket = listenSocket;
    this.port = library.us_socket_local_port(listenSocket as uws.us_socket);
  }

  /** Null if the address could not be bound; the library does not say why. */
  static start(library: Uws, options: ListenOptions): UwsListener | null {
    const app = application(library, options);
    let bound: uws.us_listen_socket | false = false;
    // The types know no options beside a host; the function does.
    const { listen } = app as unknown as { listen: ListenAt };
    listen.call(app, options.host, options.port, exclusivePort, (socket) => {
      bound = socket;
    });
    return bound === false ? null : new UwsListener(library, app, bound);
  }

  publish(topic: string, payload: Payload): SendResult {
    const delivered = this.#app.publish(topic, payload, typeof payload !== 'string');
    return delivered ? 'buffered' : 'dropped';
  }

  stop(): void {
    this.#library.us_listen_socket_close(this.#listenSocket);
  }
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
      compression: library.DISABLED,
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
      close(ws, code) {
        const { socket } = ws.getUserData();
        socket.closed();
        try {
          socket.session.closed({ code: socket.closedWith ?? code });
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
  const protocol = request.getHeader('sec-websocket-protocol');
  const extensions = request.getHeader('sec-websocket-extensions');
  decide(response, request, options, ({ session }) => {
    response.upgrade<UserData>({ socket: new UwsSocket(session) }, key, protocol, extensions, context);
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
    if (!(decision instanceof Promise)) {
      settle(decision);
      return;
    }
    body.watch();
    decision.then(
      (settled) => {
        if (!body.gone) response.cork(() => settle(settled));
        else if ('session' in settled) settled.session.closed({ code: 1006 });
      },
      (error) => {
        if (body.gone) options.onError('request', error);
        else response.cork(() => fail(error));
      },
    );
  } catch (error) {
    fail(error);
  }
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
  if (withoutBody) response.endWithoutBody(Buffer.byteLength(body), close);
  else response.end(body, close);
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

  readBody(maxBytes: number): Promise<Uint8Array | BodyFailure> {
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
  /** The code of our own close frame: the library reports it as the peer's. */
  closedWith: number | null = null;
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
    const status = this.#ws.send(payload, typeof payload !== 'string');
    if (status === 1) return 'sent';
    return status === 0 ? 'buffered' : 'dropped';
  }

  ping(): void {
    this.#ws?.ping();
  }

  close({ code, reason }: CloseCode): void {
    this.closedWith ??= code;
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

/** @throws UserError when it is not installed, or its native part does not fit this Node */
function load(): Uws {
  const require = createRequire(import.meta.url);
  const { warn } = console;
  let library: Uws;
  try {
    // A repackaging announces its imitation in many words; ours below says it in one sentence.
    console.warn = () => {};
    library = require('uWebSockets.js');
  } catch (error) {
    throw new UserError(
      `the Node runtime needs uWebSockets.js, which cannot be loaded (${firstLine(error)}); install its official tag, or run on Bun`,
      exitCodes.failure,
    );
  } finally {
    console.warn = warn;
  }
  if (!isNative(library.App))
    throw new UserError(
      `the installed uWebSockets.js has no native part for Node ${process.versions.node}; install a version that has, use another Node, or run on Bun`,
      exitCodes.failure,
    );
  return library;
}

function isNative(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value))
  );
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
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
