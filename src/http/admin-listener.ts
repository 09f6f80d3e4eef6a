/**
 * The admin listener: metrics and the health routes. It serves operators, never the public: it is bound to loopback, or
 * every request but the health routes must carry the key.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Readiness } from '../lifecycle/readiness.ts';
import { Exposition } from '../metrics/exposition.ts';
import type { HttpReply, HttpRequest } from '../transport/transport.ts';
import { healthReply } from './health.ts';
import { plain, refuseOtherMethods } from './reply.ts';

export interface AdminListenerOptions {
  /** Null where none is needed: on loopback. */
  key: string | null;
  readiness: Readiness;
  exposition: Exposition;
}

export class AdminListener {
  readonly #options: AdminListenerOptions;
  readonly #keyDigest: Buffer | null;

  constructor(options: AdminListenerOptions) {
    this.#options = options;
    this.#keyDigest = options.key === null ? null : digest(options.key);
  }

  handle(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const refused = refuseOtherMethods(request.method);
    if (refused !== null) return refused;
    const health = healthReply(request, this.#options.readiness);
    if (health !== null) return health;
    if (!this.#authorized(request))
      return plain(401, 'send the admin key as "Authorization: Bearer KEY"', {
        'WWW-Authenticate': 'Bearer realm="outcry admin"',
      });
    if (request.path === '/metrics') return this.#metrics();
    return plain(404, 'there are /metrics, /health/live and /health/ready here');
  }

  async #metrics(): Promise<HttpReply> {
    return {
      status: 200,
      headers: { 'Content-Type': Exposition.contentType, 'Cache-Control': 'no-store' },
      body: await this.#options.exposition.text(),
    };
  }

  /** Compares digests of equal length in constant time, so that an answer tells nothing about the key. */
  #authorized(request: HttpRequest): boolean {
    if (this.#keyDigest === null) return true;
    const given = /^Bearer (.{1,256})$/i.exec(request.header('authorization') ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), this.#keyDigest);
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
