/**
 * The admin listener: the API, metrics and the health routes. It serves operators, never the public: it is bound to loopback, or
 * every request but the health routes must carry the key.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Readiness } from '../lifecycle/readiness.ts';
import { Exposition } from '../metrics/exposition.ts';
import type { HttpReply, HttpRequest } from '../transport/transport.ts';
import { type Api, apiPrefix } from './api/api.ts';
import { refuse } from './api/api-error.ts';
import { healthReply } from './health.ts';
import { plain, refuseOtherMethods } from './reply.ts';

export interface AdminListenerOptions {
  /** Null where none is needed: on loopback. */
  key: string | null;
  readiness: Readiness;
  exposition: Exposition;
  api: Pick<Api, 'handle' | 'refuse'>;
}

const howToAuthorize = 'send the admin key as "Authorization: Bearer KEY"';
const challenge = { 'WWW-Authenticate': 'Bearer realm="outcry admin"' };

/** Names of this machine for itself, with or without a port. */
const ownName = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d+)?$/;

export class AdminListener {
  readonly #options: AdminListenerOptions;
  readonly #keyDigest: Buffer | null;

  constructor(options: AdminListenerOptions) {
    this.#options = options;
    this.#keyDigest = options.key === null ? null : digest(options.key);
  }

  handle(request: HttpRequest): HttpReply | Promise<HttpReply> {
    return request.path.startsWith(apiPrefix) ? this.#api(request) : this.#page(request);
  }

  #api(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const { api } = this.#options;
    if (!this.#authorized(request))
      return api.refuse(refuse('not_permitted', howToAuthorize, { status: 401, headers: challenge }));
    // A page of another name that was made to lead here must not use what the browser's user may use.
    if (this.#keyDigest === null && !ownName.test(request.header('host') ?? ''))
      return api.refuse(refuse('not_permitted', 'without an admin key only localhost may be the host'));
    return api.handle(request);
  }

  #page(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const refused = refuseOtherMethods(request.method);
    if (refused !== null) return refused;
    const health = healthReply(request, this.#options.readiness);
    if (health !== null) return health;
    if (!this.#authorized(request)) return plain(401, howToAuthorize, challenge);
    if (request.path === '/metrics') return this.#metrics();
    return plain(404, 'there are /api/…, /metrics, /health/live and /health/ready here');
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
