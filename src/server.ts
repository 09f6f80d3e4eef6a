/**
 * Puts a node together from its parts and takes it apart again. The only file that knows implementations.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ChannelPolicy } from './auth/channel-policy.ts';
import { InProcessBridge } from './bridge/in-process-bridge.ts';
import { RedisBridge } from './bridge/redis-bridge.ts';
import { Broadcaster } from './broadcaster.ts';
import { Hub } from './channel/hub.ts';
import { systemClock } from './clock.ts';
import { connectionsThatFit, descriptorLimit } from './config/machine.ts';
import { resolveNamespaces } from './config/namespaces.ts';
import { parseRedisUrl } from './config/redis-url.ts';
import type { Settings } from './config/settings.ts';
import { ConnectDeadline } from './connection/connect-deadline.ts';
import { Connections } from './connection/connections.ts';
import { drain } from './connection/drain.ts';
import { Liveness } from './connection/liveness.ts';
import { NativeSession } from './connection/native-session.ts';
import { RawRoom } from './connection/raw-room.ts';
import { SlowConsumers } from './connection/slow-consumers.ts';
import { UserError } from './errors.ts';
import { Api } from './http/api/api.ts';
import { ClusterRoutes } from './http/api/cluster-routes.ts';
import { PublishRoute } from './http/api/publish-route.ts';
import { Publisher } from './http/api/publisher.ts';
import { AdminListener } from './http/admin-listener.ts';
import { type AssetFiles, readAssets, sdkPath } from './http/assets.ts';
import { PublicListener } from './http/public-listener.ts';
import { Readiness } from './lifecycle/readiness.ts';
import type { Logger } from './logger.ts';
import { Exposition } from './metrics/exposition.ts';
import { watchLoopDelay } from './metrics/loop-delay.ts';
import { Metrics } from './metrics/metrics.ts';
import { Operator } from './operator.ts';
import { jsonCodec } from './protocol/json-codec.ts';
import { msgpackCodec } from './protocol/msgpack-codec.ts';
import { selectTransport } from './transport/select-transport.ts';
import type { Listener } from './transport/transport.ts';

/** A running node. */
export interface Node {
  readonly port: number;
  readonly adminPort: number;
  /** Closes all clients with 1001, gives slow ones up to `shutdownTimeoutMs` to take what waits, frees both ports. */
  stop(): Promise<void>;
}

export interface NodeOptions {
  settings: Settings;
  nodeId: string;
  logger: Logger;
  /** Of the program, for whoever asks. */
  version: string;
  files: AssetFiles;
}

/** @throws UserError when a port cannot be bound; nothing is left running then */
export async function startNode({ settings, nodeId, logger, version, files }: NodeOptions): Promise<Node> {
  const metrics = new Metrics();
  const readiness = new Readiness();
  const assets = readAssets(files);
  if (!assets.has(sdkPath)) logger.warn(`${sdkPath} is not served: \`npm run build\` makes it`);
  const bootId = randomBytes(8).toString('hex');
  const connections = new Connections(
    bootId,
    {
      maxConnections: settings.maxConnections ?? connectionsThatFit(descriptorLimit()),
      maxControlFrames: settings.maxControlFrames,
    },
    metrics,
  );
  const slowConsumers = new SlowConsumers(connections, settings.backpressureLimitBytes, metrics);

  const bridge =
    settings.redisUrl === null
      ? new InProcessBridge()
      : redisBridge({ settings, nodeId, logger }, bootId, metrics, readiness);

  const policy = new ChannelPolicy(resolveNamespaces(settings));
  const handlerFailed = (where: 'request' | 'session' | 'flush', error: unknown): void => {
    metrics.handlerErrors.values[where] += 1;
    logger.error({ err: error, where }, 'a handler failed; this is a bug');
  };

  // The hub is made before the listener that it publishes through, whose handlers need the hub.
  let publicListener: Listener | null = null;
  const hub = new Hub({
    publishToTopic: (topic, payload, compress) =>
      publicListener?.publish(topic, payload, compress) ?? 'dropped',
    onPressure: (bytes) => slowConsumers.suspect(bytes),
    watch: bridge,
    clock: systemClock,
    maxDelayMs: (channel) => policy.maxDelayMs(channel),
    compresses: (channel) => policy.compresses(channel),
    onError: (error) => handlerFailed('flush', error),
    metrics,
  });
  const broadcaster = new Broadcaster(hub, bridge);
  const rawRoom = { broadcaster, hub, policy, metrics };
  const deadline = new ConnectDeadline(systemClock, settings.connectTimeoutMs);
  const native = {
    broadcaster,
    hub,
    bridge,
    policy,
    deadline,
    clock: systemClock,
    nodeId,
    bootId,
    pingIntervalMs: Math.ceil((settings.idleTimeoutMs * 2) / 3),
    maxPayloadBytes: settings.maxPayloadBytes,
    maxSubscriptions: settings.maxSubscriptions,
    maxSubscriptionChangesPerSecond: settings.maxSubscriptionChangesPerSecond,
    metrics,
  };
  const hello = (channel: string) =>
    JSON.stringify(bridge.reaches(channel) ? { node: nodeId } : { node: nodeId, degraded: true });
  const publicRoutes = new PublicListener({
    policy: settings,
    connections,
    readiness,
    bridge,
    metrics,
    assets,
    rawRoom: new RawRoom({ ...rawRoom, hello: null }),
    rawRoomWithHello: new RawRoom({ ...rawRoom, hello }),
    natives: [jsonCodec, msgpackCodec].map((codec) => new NativeSession(codec, native)),
    channelPolicy: policy,
  });
  const operator = new Operator({ nodeId, bootId, hub, connections, metrics, cluster: bridge, bridge });
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
  const adminRoutes = new AdminListener({
    api,
    key: settings.adminKey,
    readiness,
    exposition: new Exposition(metrics),
  });

  const limits = {
    maxPayloadBytes: settings.maxPayloadBytes,
    backpressureLimitBytes: settings.backpressureLimitBytes,
    onError: handlerFailed,
  };
  const listen = await selectTransport();
  const adminListener = await listen({
    ...limits,
    compress: false,
    // The API reads streams of any length, and bounds every other body itself.
    maxBodyBytes: Number.MAX_SAFE_INTEGER,
    host: settings.adminHost,
    port: settings.adminPort,
    handle: (request) => adminRoutes.handle(request),
  });
  try {
    publicListener = await listen({
      ...limits,
      compress: policy.compressesAny,
      maxBodyBytes: settings.maxPayloadBytes,
      host: settings.host,
      port: settings.port,
      handle: (request) => publicRoutes.handle(request),
    });
  } catch (error) {
    adminListener.stop();
    throw error;
  }
  const listener = publicListener;
  const liveness = new Liveness(connections, systemClock, settings.idleTimeoutMs);
  const loopDelay = watchLoopDelay(systemClock, metrics.loopDelay);
  readiness.has('start');

  return {
    port: listener.port,
    adminPort: adminListener.port,
    async stop() {
      readiness.stopping();
      liveness.stop();
      loopDelay.cancel();
      deadline.stop();
      hub.flush();
      await drain(connections, systemClock, settings.shutdownTimeoutMs);
      hub.stop();
      await bridge.stop();
      listener.stop();
      adminListener.stop();
    },
  };
}

function redisBridge(
  { settings, nodeId, logger }: Pick<NodeOptions, 'settings' | 'nodeId' | 'logger'>,
  bootId: string,
  metrics: Metrics,
  readiness: Readiness,
): RedisBridge {
  const address = parseRedisUrl(settings.redisUrl ?? '');
  if (address === null) throw new UserError('redisUrl is not the address of a Redis');
  readiness.lacks('redis');
  return new RedisBridge({
    address,
    ca: settings.redisCaFile === null ? null : readCertificate(settings.redisCaFile),
    prefix: settings.redisPrefix,
    shards: settings.redisShards,
    sender: { nodeId, bootId },
    commandTimeoutMs: settings.redisCommandTimeoutMs,
    maxBytesInFlight: settings.redisMaxBytesInFlight,
    batch: {
      maxDelayMs: settings.bridgeMaxDelayMs,
      maxBytes: settings.bridgeMaxFrameBytes,
      maxItems: settings.bridgeMaxFramePublications,
    },
    clock: systemClock,
    logger,
    metrics: metrics.bridge,
    onState: (state) => (state === 'connected' ? readiness.has('redis') : readiness.lacks('redis')),
  });
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`redisCaFile: ${file} cannot be read: ${(error as Error).message}`);
  }
}
