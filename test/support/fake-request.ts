/**
 * HTTP requests for routes and guards, without a socket.
 */
import { BodyAborted, type HttpRequest } from '../../src/transport/transport.ts';

export interface RequestParts {
  method?: string;
  path?: string;
  query?: string;
  urlBytes?: number;
  /** By lower-case name. */
  headers?: Readonly<Record<string, string>>;
  /** Counted from `headers` unless given. */
  headerBytes?: number;
  /** An object for a peer that goes away before the end. */
  body?: Uint8Array | string | { aborted: true };
}

export function fakeRequest({
  path = '/',
  query = '',
  headers = {},
  ...rest
}: RequestParts = {}): HttpRequest {
  const counted = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return {
    method: rest.method ?? 'GET',
    path,
    query,
    urlBytes: rest.urlBytes ?? path.length + (query === '' ? 0 : query.length + 1),
    header: (name) => headers[name] ?? null,
    headerBytes: () => rest.headerBytes ?? counted,
    async readBody(maxBytes) {
      const { body = '' } = rest;
      if (typeof body === 'object' && 'aborted' in body) throw new BodyAborted();
      const bytes = Buffer.from(body as string);
      return bytes.length > maxBytes ? 'too large' : bytes;
    },
    async *bodyChunks() {
      const { body = '' } = rest;
      if (typeof body === 'object' && 'aborted' in body) throw new BodyAborted();
      yield Buffer.from(body as string);
    },
  };
}

/** Headers of a flawless handshake (RFC 6455, section 1.3). */
export const handshakeHeaders = {
  host: 'localhost:8080',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
} as const;
