/**
 * What becomes of a request on uWebSockets.js: a WebSocket or an answer, at once or later.
 *
 * Quirks that are absorbed here, seen with 20.30:
 *
 * - `cork` around a late upgrade may close the new WebSocket at once: it takes it for the HTTP response that it was (fixed in
 *   uWebSockets #1929, July 2026; about 1 in 200 with 20.51). A late upgrade is therefore not corked, which costs 24 small
 *   writes and a warning of the library on stderr, for handshakes that had to wait for Redis only.
 * - `endWithoutBody(length)` with a length above 0 is never finished, and an unfinished answer ends the process.
 */
import { STATUS_CODES } from 'node:http';
import type { HttpReply, ListenOptions, Upgrade } from './transport.ts';
import { UwsBody } from './uws-body.ts';
import type { uws } from './uws-library.ts';
import { UwsRequest } from './uws-request.ts';
import { type UserData, UwsSocket } from './uws-socket.ts';

type Decision = HttpReply | Upgrade;

/** A request with a well-formed `Sec-WebSocket-Key`: all others come to `answer`, where the guard finds their flaw. */
export function upgradeOrAnswer(
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

export function answer(response: uws.HttpResponse, request: uws.HttpRequest, options: ListenOptions): void {
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
  const settle = (decision: Decision): void => {
    if ('session' in decision) upgrade(decision);
    else send(response, decision, withoutBody);
  };
  const fail = (error: unknown): void => {
    options.onError('request', error);
    send(response, { status: 500, body: 'internal error\n' }, withoutBody);
  };
  const settleLater = async (decision: Decision | Promise<Decision>): Promise<void> => {
    body.watch();
    let settled: Decision;
    try {
      settled = await inItsTurn(await decision);
    } catch (error) {
      if (body.gone) options.onError('request', error);
      else response.cork(() => fail(error));
      return;
    }
    if (body.gone && 'session' in settled) return settled.session.closed({ code: 1006 });
    if (body.gone) return;
    // Not corked: see the quirks above.
    if ('session' in settled) return upgrade(settled);
    response.cork(() => send(response, settled, withoutBody));
  };
  try {
    const decision = options.handle(asked);
    if (decision instanceof Promise || endsConnection(decision))
      settleLater(decision).catch((error) => options.onError('request', error));
    else settle(decision);
  } catch (error) {
    fail(error);
  }
}

/**
 * An answer that ends the connection is given in a later turn: a request that came with the one that it answers ends the
 * connection then, instead of being served behind the answer.
 */
async function inItsTurn(decision: Decision): Promise<Decision> {
  if (endsConnection(decision)) await new Promise((resolve) => setImmediate(resolve));
  return decision;
}

function endsConnection(decision: Decision): boolean {
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
