/**
 * The admin listener: the API, metrics, the dashboard and the health routes. It serves operators, never the public: it is bound to
 * loopback, or every request but the health routes and the bare page of the dashboard must carry the key.
 */
import type { Readiness } from '../lifecycle/readiness.ts';
import { Exposition } from '../metrics/exposition.ts';
import type { HttpReply, HttpRequest, Upgrade } from '../transport/transport.ts';
import { type AdminKey, challengeHeaders, howToAuthorize } from './admin-key.ts';
import { type Api, apiPrefix } from './api/api.ts';
import { refuse } from './api/api-error.ts';
import { type Dashboard, dashboardPath } from './dashboard.ts';
import { healthReply } from './health.ts';
import { plain, refuseOtherMethods } from './reply.ts';

export interface AdminListenerOptions {
  key: AdminKey;
  readiness: Readiness;
  exposition: Exposition;
  api: Pick<Api, 'handle' | 'refuse'>;
  dashboard: Pick<Dashboard, 'handle'>;
}

export class AdminListener {
  readonly #options: AdminListenerOptions;

  constructor(options: AdminListenerOptions) {
    this.#options = options;
  }

  handle(request: HttpRequest): HttpReply | Upgrade | Promise<HttpReply> {
    const { path } = request;
    if (path.startsWith(apiPrefix)) return this.#api(request);
    if (path === dashboardPath || path.startsWith(`${dashboardPath}/`))
      return this.#options.dashboard.handle(request);
    return this.#page(request);
  }

  #api(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const { api, key } = this.#options;
    if (!key.opens(request))
      return api.refuse(refuse('not_permitted', howToAuthorize, { status: 401, headers: challengeHeaders }));
    if (!key.isSet && !key.isOwnName(request))
      return api.refuse(refuse('not_permitted', 'without an admin key only localhost may be the host'));
    return api.handle(request);
  }

  #page(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const refused = refuseOtherMethods(request.method);
    if (refused !== null) return refused;
    const { readiness, key } = this.#options;
    const health = healthReply(request, readiness);
    if (health !== null) return health;
    if (!key.opens(request)) return key.challenge();
    if (request.path === '/metrics') return this.#metrics();
    return plain(404, 'there are /api/…, /dashboard, /metrics, /health/live and /health/ready here');
  }

  async #metrics(): Promise<HttpReply> {
    return {
      status: 200,
      headers: { 'Content-Type': Exposition.contentType, 'Cache-Control': 'no-store' },
      body: await this.#options.exposition.text(),
    };
  }
}
