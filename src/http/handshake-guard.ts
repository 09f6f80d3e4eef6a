/**
 * Decides on every request for a WebSocket before the runtime may answer 101.
 *
 * The runtimes themselves upgrade almost anything (two Hosts, a body, no `Connection: Upgrade`), so all that RFC 6455,
 * section 4.2.1, asks of a client's handshake is checked here, in the order of what is cheapest to know. Each refusal has
 * one status and one counter. What a runtime refuses before we see it is listed in docs/security.md.
 */
import type { RefusalReason } from '../metrics/metrics.ts';
import type { HttpReply, HttpRequest } from '../transport/transport.ts';

export interface HandshakePolicy {
  /** Origins that may connect, compared exactly; empty allows any. */
  origins: readonly string[];
  maxUrlBytes: number;
  maxHeaderBytes: number;
}

export interface Refusal {
  reason: RefusalReason;
  detail: string;
  /** Where it is not always the same. */
  retryAfterMs?: number;
}

const statusOf: Readonly<Record<RefusalReason, number>> = {
  malformed: 400,
  subprotocol: 400,
  origin: 403,
  not_permitted: 403,
  path: 404,
  method: 405,
  url_too_long: 414,
  version: 426,
  headers_too_large: 431,
  full: 503,
  stopping: 503,
  busy: 503,
  memory: 503,
};

const extraHeaders: Partial<Record<RefusalReason, Record<string, string>>> = {
  method: { Allow: 'GET' },
  version: { 'Sec-WebSocket-Version': '13' },
  full: { 'Retry-After': '5' },
  memory: { 'Retry-After': '5' },
  stopping: { 'Retry-After': '1' },
};

/** True if the request asks for a WebSocket, however badly. */
export function asksForWebSocket(request: HttpRequest): boolean {
  return (
    hasToken(request.header('upgrade'), 'websocket') ||
    request.header('sec-websocket-key') !== null ||
    request.header('sec-websocket-version') !== null
  );
}

/** The first flaw of a handshake, or null if it may become a WebSocket as far as path and room allow. */
export function findFlaw(request: HttpRequest, policy: HandshakePolicy): Refusal | null {
  if (request.method !== 'GET') return refuse('method', 'a WebSocket begins with GET');
  return findOversize(request, policy) ?? findMalformed(request) ?? findForeignOrigin(request, policy);
}

/** A request line or headers beyond the limits; applies to plain requests as well. */
export function findOversize(
  request: HttpRequest,
  { maxUrlBytes, maxHeaderBytes }: Pick<HandshakePolicy, 'maxUrlBytes' | 'maxHeaderBytes'>,
): { reason: 'url_too_long' | 'headers_too_large'; detail: string } | null {
  if (request.urlBytes > maxUrlBytes)
    return { reason: 'url_too_long', detail: `the path and query may have ${maxUrlBytes} bytes` };
  if (request.headerBytes() > maxHeaderBytes)
    return { reason: 'headers_too_large', detail: `the headers may have ${maxHeaderBytes} bytes` };
  return null;
}

/** The answer to a refused request. The connection ends with it, so nothing behind it is ever read as a frame. */
export function refusalReply({ reason, detail, retryAfterMs }: Refusal): HttpReply {
  return {
    status: statusOf[reason],
    headers: {
      Connection: 'close',
      'Content-Type': 'text/plain; charset=utf-8',
      ...extraHeaders[reason],
      ...(retryAfterMs !== undefined && { 'Retry-After': `${Math.ceil(retryAfterMs / 1_000)}` }),
    },
    body: `${detail}\n`,
  };
}

function findMalformed(request: HttpRequest): Refusal | null {
  const host = request.header('host');
  if (host === null || host === '' || host.includes(','))
    return refuse('malformed', 'exactly one Host header is needed');
  if (request.header('transfer-encoding') !== null || hasBody(request.header('content-length')))
    return refuse('malformed', 'a handshake has no body');
  if (!hasToken(request.header('upgrade'), 'websocket'))
    return refuse('malformed', 'the header "Upgrade: websocket" is missing');
  if (!hasToken(request.header('connection'), 'upgrade'))
    return refuse('malformed', 'the header "Connection: Upgrade" is missing');
  if (request.header('sec-websocket-version') !== '13')
    return refuse('version', 'only version 13 of the WebSocket protocol is spoken here');
  if (!isKey(request.header('sec-websocket-key')))
    return refuse('malformed', 'Sec-WebSocket-Key must be 16 bytes in base64');
  return null;
}

/**
 * A page of another origin. A missing Origin is allowed: browsers always send it, and everything else could forge it.
 * Two Origin headers arrive joined and match nothing.
 */
function findForeignOrigin(request: HttpRequest, { origins }: HandshakePolicy): Refusal | null {
  if (origins.length === 0) return null;
  const origin = request.header('origin');
  if (origin === null || origins.includes(origin)) return null;
  return refuse('origin', 'pages of this origin may not connect');
}

function refuse(reason: RefusalReason, detail: string): Refusal {
  return { reason, detail };
}

/** True if a comma-separated header holds the token, compared without case (RFC 9110, section 5.6.1). */
function hasToken(header: string | null, token: string): boolean {
  if (header === null) return false;
  const lowerCase = header.toLowerCase();
  // Nearly always it is the only one.
  return lowerCase === token || lowerCase.split(',').some((part) => part.trim() === token);
}

function hasBody(contentLength: string | null): boolean {
  return contentLength !== null && contentLength !== '0';
}

/** 16 bytes in base64: 22 characters and `==`, the last of them with its four low bits zero (RFC 4648, section 4). */
function isKey(key: string | null): boolean {
  return key !== null && /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key);
}
