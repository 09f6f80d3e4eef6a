/**
 * The API of the admin listener: what a program publishes, asks and orders over HTTP (docs/api.md).
 *
 * It is a table of routes with one method each. Requests under way are bounded; every answer is counted by status, every
 * mistake by its name.
 */
import type { ApiRoute, Metrics } from '../../metrics/metrics.ts';
import type { HttpReply, HttpRequest } from '../../transport/transport.ts';
import { json } from '../reply.ts';
import { type Refusal, type RefusalReply, refusalReply, refuse } from './api-error.ts';
import type { ClusterRoutes } from './cluster-routes.ts';
import { openApi } from './openapi.ts';
import type { PublishRoute } from './publish-route.ts';

export const apiPrefix = '/api/';

const channelPrefix = '/api/channels/';

export interface ApiOptions {
  publish: PublishRoute;
  cluster: ClusterRoutes;
  version: string;
  /** Requests that may be under way at once. */
  maxRequests: number;
  metrics: Pick<Metrics, 'apiRequests' | 'apiReplies' | 'apiErrors' | 'apiRequestsOpen'>;
}

interface Route {
  readonly name: ApiRoute;
  readonly method: 'GET' | 'POST';
  handle(request: HttpRequest): HttpReply | Promise<HttpReply>;
}

export class Api {
  readonly #options: ApiOptions;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #channel: Route;
  #description: HttpReply | null = null;

  constructor(options: ApiOptions) {
    const { publish, cluster } = options;
    this.#options = options;
    this.#routes = new Map<string, Route>([
      ['/api/publish', { name: 'publish', method: 'POST', handle: (request) => publish.handle(request) }],
      ['/api/counts', { name: 'counts', method: 'GET', handle: (request) => cluster.counts(request) }],
      ['/api/channels', { name: 'channels', method: 'GET', handle: (request) => cluster.channels(request) }],
      ['/api/nodes', { name: 'nodes', method: 'GET', handle: () => cluster.nodes() }],
      [
        '/api/disconnect',
        { name: 'disconnect', method: 'POST', handle: (request) => cluster.disconnect(request) },
      ],
      ['/api/openapi.json', { name: 'openapi', method: 'GET', handle: () => this.#describe() }],
    ]);
    this.#channel = {
      name: 'channel',
      method: 'GET',
      handle: ({ path }) => cluster.channelByPath(path.slice(channelPrefix.length)),
    };
  }

  /** Answers a request whose path begins with `apiPrefix`. Whoever calls has seen its key. */
  handle(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const { metrics, maxRequests } = this.#options;
    const { path, method } = request;
    const route = this.#routes.get(path) ?? (path.startsWith(channelPrefix) ? this.#channel : undefined);
    metrics.apiRequests.values[route?.name ?? 'unknown'] += 1;
    if (route === undefined)
      return this.refuse(refuse('unknown_command', 'there is no such route; /api/openapi.json lists them'));
    if (route.method !== method && !(route.method === 'GET' && method === 'HEAD')) {
      const Allow = route.method === 'GET' ? 'GET, HEAD' : 'POST';
      return this.refuse(
        refuse('bad_request', `only ${Allow} is allowed here`, { status: 405, headers: { Allow } }),
      );
    }
    if (metrics.apiRequestsOpen.value >= maxRequests)
      return this.refuse(
        refuse('too_fast', `${maxRequests} requests are under way`, { headers: { 'Retry-After': '1' } }),
      );
    const reply = route.handle(request);
    return reply instanceof Promise ? this.#wait(reply) : this.#counted(reply);
  }

  /** Answers a request that is refused before its route is looked at. */
  refuse(refusal: Refusal): HttpReply {
    return this.#counted(refusalReply(refusal));
  }

  #wait(reply: Promise<HttpReply>): Promise<HttpReply> {
    const { apiRequestsOpen } = this.#options.metrics;
    apiRequestsOpen.value += 1;
    return reply.then(this.#settle, this.#fail);
  }

  readonly #settle = (reply: HttpReply): HttpReply => {
    this.#options.metrics.apiRequestsOpen.value -= 1;
    return this.#counted(reply);
  };

  readonly #fail = (error: unknown): never => {
    this.#options.metrics.apiRequestsOpen.value -= 1;
    throw error;
  };

  #counted(reply: HttpReply | RefusalReply): HttpReply {
    const { apiReplies, apiErrors } = this.#options.metrics;
    apiReplies.values[String(reply.status) as keyof typeof apiReplies.values] += 1;
    if ('error' in reply) apiErrors.values[reply.error] += 1;
    return reply;
  }

  #describe(): HttpReply {
    this.#description ??= json(200, openApi(this.#options.version));
    return this.#description;
  }
}
