/**
 * Puts together what the admin port answers: the API, the dashboard, metrics and health.
 */
import { AdminKey } from '../http/admin-key.ts';
import { AdminListener } from '../http/admin-listener.ts';
import { Api } from '../http/api/api.ts';
import { ClusterRoutes } from '../http/api/cluster-routes.ts';
import { PublishRoute } from '../http/api/publish-route.ts';
import { Publisher } from '../http/api/publisher.ts';
import { Exposition } from '../metrics/exposition.ts';
import { Operator } from '../operator.ts';
import type { Bounds } from './bounds.ts';
import { type WatchableNode, watchable } from './dashboard.ts';
import type { Ground } from './ground.ts';
import type { MessagePath } from './message-path.ts';
import type { Neighbours } from './neighbours.ts';
import type { Sessions } from './sessions.ts';

export interface AdminRoutes {
  readonly routes: AdminListener;
  readonly dashboard: WatchableNode;
  readonly exposition: Exposition;
}

export function adminRoutesOf(
  ground: Ground,
  neighbours: Neighbours,
  { connections }: Bounds,
  { hub, broadcaster }: MessagePath,
  { native }: Sessions,
): AdminRoutes {
  const { settings, nodeId, bootId, version, policy, readiness, metrics } = ground;
  const { bridge, history, isAlone } = neighbours;
  const operator = new Operator({
    nodeId,
    bootId,
    hub,
    connections,
    readiness,
    metrics,
    cluster: bridge,
    bridge,
    history,
    keepsHistory: (channel) => policy.keepsHistory(channel),
  });
  const api = new Api({
    publish: new PublishRoute({
      publisher: new Publisher({ broadcaster, policy, metrics }),
      maxBodyBytes: settings.maxApiBodyBytes,
      metrics,
    }),
    cluster: new ClusterRoutes(operator),
    version,
    maxRequests: settings.maxApiRequests,
    metrics,
  });
  const key = new AdminKey(settings.adminKey);
  const dashboard = watchable({ ...ground, key, native, hub, broadcaster, bridge, isAlone });
  const exposition = new Exposition(metrics);
  const routes = new AdminListener({ api, key, dashboard: dashboard.routes, readiness, exposition });
  return { routes, dashboard, exposition };
}
