/**
 * `/health/live` and `/health/ready`, on both listeners. HAProxy reads 404 as "drain": it keeps what is connected and
 * sends nobody new (`http-check disable-on-404`).
 */
import type { Readiness } from '../lifecycle/readiness.ts';
import type { HttpReply, HttpRequest } from '../transport/transport.ts';
import { json } from './reply.ts';

const statusOf = { ready: 200, waiting: 503, stopping: 404 } as const;

/** The answer to a health route, or null for any other path. */
export function healthReply(request: HttpRequest, readiness: Readiness): HttpReply | null {
  switch (request.path) {
    case '/health/live':
      return json(200, { status: 'live' });
    case '/health/ready':
      return json(statusOf[readiness.state], {
        status: readiness.state,
        ...(readiness.state === 'waiting' ? { lacking: readiness.lacking } : {}),
      });
    default:
      return null;
  }
}
