/**
 * The transport on Node, over uWebSockets.js: a port, and what its sockets are told. Their requests are answered in
 * `uws-answer.ts`.
 *
 * Quirks that are absorbed here, seen with 20.30:
 *
 * - SO_REUSEPORT is its default, so two programs can share a port without noticing: the port is taken exclusively unless it is
 *   to be shared.
 * - A message over `maxPayloadLength` ends in a bare TCP close. The limit given to it is twice ours, so that we can close
 *   with 1009 as the other runtime does; beyond twice the limit it is a bare close all the same.
 * - `publish` tells nothing, so every publish counts as one that somebody may not have taken at once.
 * - A message dies with its handler: what a session gets is a copy.
 * - A port that was asked for as 0 lacks SO_REUSEADDR: its dying connections keep it for a minute.
 * - Its own idle timeout may be 0 or 8 to 960 s, anything else ends the process: 0, connections keep their own liveness.
 * - Text that is not UTF-8 and other broken frames end in a bare close (1006), without 1007 or 1002.
 *
 * What cannot be absorbed stands in docs/security.md, row by row beside the other runtime.
 */
import type { Payload } from '../channel/publication.ts';
import { closeCodes } from '../close-codes.ts';
import { exitCodes, UserError } from '../errors.ts';
import { closingCode } from './broken-frame.ts';
import { claimPort } from './claim-port.ts';
import type { Listen, Listener, ListenOptions, SendResult } from './transport.ts';
import { answer, upgradeOrAnswer } from './uws-answer.ts';
import { loadUws, type Uws, type uws } from './uws-library.ts';
import { type ServerWebSocket, type UserData, type UwsSocket, wellFormed } from './uws-socket.ts';

type ListenAt = (
  host: string,
  port: number,
  options: number,
  done: (socket: uws.us_listen_socket | false) => void,
) => void;

/** LIBUS_LISTEN_DEFAULT and LIBUS_LISTEN_EXCLUSIVE_PORT, which the types have as an enum that does not exist at run time. */
const sharedPort = 0;
const exclusivePort = 1;

export const listenOnUws: Listen = async (options) => {
  const library = loadUws();
  const listener = UwsListener.start(library, options);
  if (listener !== null) return listener;
  // The library does not say why; the system does when it is asked for the same port.
  await claimPort(options.host, options.port);
  throw new UserError(`port ${options.port} on ${options.host} cannot be bound`, exitCodes.cannotListen);
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
