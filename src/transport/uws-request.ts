/**
 * A request of uWebSockets.js. It is only valid during its handler: everything that is asked of it later is copied before.
 */
import { originForm } from './request-target.ts';
import type { HttpRequest } from './transport.ts';
import type { UwsBody } from './uws-body.ts';
import type { uws } from './uws-library.ts';

export class UwsRequest implements HttpRequest {
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
    this.path = originForm(request.getUrl());
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
