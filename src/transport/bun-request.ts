/**
 * A `Request` as Bun gives it, which has more than the types that are shared with Node.
 *
 * Quirks that are absorbed here, seen with Bun 1.4.5:
 *
 * - A request without a Host header has a bare path as `url`, all others an absolute URL that was normalised and is ASCII.
 * - `request.url` is built on each access: it is read once.
 * - Repeated headers are joined with `, `, a repeated Host too.
 */
import { originForm } from './request-target.ts';
import { BodyAborted, type HttpRequest } from './transport.ts';

export class BunRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly urlBytes: number;
  readonly #request: Request;
  readonly #headers: Headers;

  constructor(request: Request) {
    this.#request = request;
    this.method = request.method;
    this.#headers = request.headers;
    const target = originForm(request.url);
    const mark = target.indexOf('?');
    this.path = mark === -1 ? target : target.slice(0, mark);
    this.query = mark === -1 ? '' : target.slice(mark + 1);
    this.urlBytes = target.length;
  }

  header(name: string): string | null {
    return this.#headers.get(name);
  }

  headerBytes(): number {
    let bytes = 0;
    this.#headers.forEach((value, name) => {
      bytes += name.length + value.length;
    });
    return bytes;
  }

  readBody(maxBytes: number): Promise<Uint8Array | 'too large'> {
    const length = this.#headers.get('content-length');
    if (length !== null && Number(length) > maxBytes) return Promise.resolve('too large');
    return length === null
      ? gather(this.#request.body, maxBytes)
      : (this.#request as unknown as Body).bytes();
  }

  async *bodyChunks(): AsyncIterable<Uint8Array> {
    try {
      yield* pieces(this.#request.body);
    } catch {
      throw new BodyAborted();
    }
  }
}

interface Body {
  bytes(): Promise<Uint8Array>;
}

/** A body that does not say how long it is. */
async function gather(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | 'too large'> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of pieces(body)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return 'too large';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

async function* pieces(body: ReadableStream<Uint8Array> | null): AsyncIterable<Uint8Array> {
  if (body !== null) yield* body as unknown as AsyncIterable<Uint8Array>;
}
