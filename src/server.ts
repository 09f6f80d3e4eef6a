/**
 * Puts a node together from its parts and takes it apart again. Only this file and those in `assembly/` know implementations.
 */
import { type AdminRoutes, adminRoutesOf } from './assembly/admin-routes.ts';
import { type Bounds, boundsOf } from './assembly/bounds.ts';
import { type Ground, groundOf, type NodeOptions } from './assembly/ground.ts';
import { type MessagePath, messagePathOf } from './assembly/message-path.ts';
import { type Neighbours, neighboursOf } from './assembly/neighbours.ts';
import { type OpenPorts, portsOf } from './assembly/ports.ts';
import { publicRoutesOf } from './assembly/public-routes.ts';
import { type Sessions, sessionsOf } from './assembly/sessions.ts';
import { systemClock } from './clock.ts';
import { drain } from './connection/drain.ts';

/** A running node. */
export interface Node {
  readonly port: number;
  readonly adminPort: number;
  /** In the Prometheus text form. */
  metricsText(): Promise<string>;
  /**
   * Not ready for `drainDelayMs`, then closes all clients with 1001 over `drainWindowMs`, gives slow ones up to
   * `shutdownTimeoutMs` to take what waits, sends the rest to the other nodes, and frees both ports.
   * `atOnce` leaves out the first two.
   */
  stop(how?: { atOnce?: boolean }): Promise<void>;
}

/** What is taken apart again. */
interface Parts {
  ground: Ground;
  bounds: Bounds;
  neighbours: Neighbours;
  path: MessagePath;
  sessions: Sessions;
  admin: AdminRoutes;
  open: OpenPorts;
}

/** @throws UserError when a port cannot be bound; nothing is left running then */
export async function startNode(options: NodeOptions): Promise<Node> {
  const ground = groundOf(options);
  // Made after those that speak to it; until then there is nobody whom it could concern.
  let path: MessagePath | null = null;
  const bounds = boundsOf(ground, (connection) => path?.conflation.slow(connection));
  const neighbours = neighboursOf(ground, {
    doubt: (concerns) => path?.sequencing?.rooms.doubt(concerns),
    reachable: () => path?.sequencing?.rooms.reachable(),
  });
  const ports = portsOf(ground);
  path = messagePathOf(ground, neighbours, bounds, ports.publish);
  const sessions = sessionsOf(ground, neighbours, path);
  const publicRoutes = publicRoutesOf(ground, neighbours, bounds, sessions);
  const admin = adminRoutesOf(ground, neighbours, bounds, path, sessions);
  const open = await ports
    .open({
      public: (request) => publicRoutes.handle(request),
      admin: (request) => admin.routes.handle(request),
    })
    .catch((error) => {
      admin.dashboard.stop();
      throw error;
    });
  bounds.watch(open.public);
  ground.readiness.has('start');

  return {
    port: open.public.port,
    adminPort: open.admin.port,
    metricsText: () => admin.exposition.text(),
    stop: ({ atOnce = false } = {}) =>
      stopNode({ ground, bounds, neighbours, path, sessions, admin, open }, atOnce),
  };
}

async function stopNode(
  { ground, bounds, neighbours, path, sessions, admin, open }: Parts,
  atOnce: boolean,
): Promise<void> {
  const { settings, readiness, metrics, logger } = ground;
  const { drainDelayMs, drainWindowMs } = atOnce ? { drainDelayMs: 0, drainWindowMs: 0 } : settings;
  readiness.stopping();
  admin.dashboard.tell();
  metrics.drainPhase.value = 1;
  if (drainDelayMs > 0) {
    logger.info({ drainDelayMs }, 'not ready: load balancers get time to see it');
    await new Promise<void>((resolve) => systemClock.after(drainDelayMs, resolve));
  }
  readiness.close();
  metrics.drainPhase.value = 2;
  path.hub.flush();
  await drain({
    connections: bounds.connections,
    windowMs: drainWindowMs,
    timeoutMs: settings.shutdownTimeoutMs,
    comeBackPerSecond: settings.maxHandshakesPerSecond,
    clock: systemClock,
    random: Math.random,
    metrics,
    onWave: (wave) => logger.info(wave, 'clients are told to come back elsewhere'),
  });
  metrics.drainPhase.value = 3;
  bounds.stop();
  sessions.stop();
  // Those who watch see the end of it.
  await admin.dashboard.close();
  bounds.slowConsumers.stop();
  path.stop();
  // What was published before the end goes to the history first: its frames come back over the bridge.
  await neighbours.history?.stop();
  await neighbours.bridge.stop();
  open.public.stop();
  open.admin.stop();
}
