/**
 * Puts a node together from its parts and takes it apart again. Only this file and those in `assembly/` know implementations.
 */
import { randomBytes } from 'node:crypto';
import { joinCluster } from './assembly/cluster.ts';
import { watchable } from './assembly/dashboard.ts';
import { joinHost } from './assembly/host.ts';
import { memoryHistory, sequence } from './assembly/sequencing.ts';
import { ChannelPolicy } from './auth/channel-policy.ts';
import { InProcessBridge } from './bridge/in-process-bridge.ts';
import { Broadcaster, type KeyFate } from './broadcaster.ts';
import { Announcements } from './channel/announcements.ts';
import { Hub } from './channel/hub.ts';
import { topicOf } from './channel/room.ts';
import type { Payload } from './channel/publication.ts';
import { IdempotencyKeys } from './channel/idempotency-keys.ts';
import type { SequencedRooms } from './channel/sequenced-rooms.ts';
import { systemClock } from './clock.ts';
import {
  connectionsThatFit,
  descriptorLimit,
  descriptorsInUse,
  memoryBytes,
  SpareDescriptors,
  workersOf,
} from './config/machine.ts';
import { resolveNamespaces } from './config/namespaces.ts';
import type { Settings } from './config/settings.ts';
import { Admission } from './connection/admission.ts';
import { Conflation } from './connection/conflation.ts';
import { ConnectDeadline } from './connection/connect-deadline.ts';
import { Connections } from './connection/connections.ts';
import { drain } from './connection/drain.ts';
import { Liveness } from './connection/liveness.ts';
import { NativeSession } from './connection/native-session.ts';
import { RawGaps } from './connection/raw-gaps.ts';
import { RawRoom } from './connection/raw-room.ts';
import { SlowConsumers } from './connection/slow-consumers.ts';
import { AdminListener } from './http/admin-listener.ts';
import { Api } from './http/api/api.ts';
import { ClusterRoutes } from './http/api/cluster-routes.ts';
import { PublishRoute } from './http/api/publish-route.ts';
import { Publisher } from './http/api/publisher.ts';
import { AdminKey } from './http/admin-key.ts';
import { type AssetFiles, readAssets, sdkPath } from './http/assets.ts';
import { PublicListener } from './http/public-listener.ts';
import { DescriptorWatch } from './lifecycle/descriptor-watch.ts';
import { MemoryWatch } from './lifecycle/memory-watch.ts';
import { Readiness } from './lifecycle/readiness.ts';
import type { Logger } from './logger.ts';
import { Exposition } from './metrics/exposition.ts';
import { watchLoopDelay } from './metrics/loop-delay.ts';
import { Metrics } from './metrics/metrics.ts';
import { Operator } from './operator.ts';
import { jsonCodec } from './protocol/json-codec.ts';
import { msgpackCodec } from './protocol/msgpack-codec.ts';
import { statusChannel } from './status-feed.ts';
import { selectTransport } from './transport/select-transport.ts';
import type { Listener } from './transport/transport.ts';

/** What one process of this host may have of its memory, unless it is set. */
const memoryPart = 0.8;

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

export interface NodeOptions {
  settings: Settings;
  nodeId: string;
  logger: Logger;
  /** Of the program, for whoever asks. */
  version: string;
  files: AssetFiles;
  /** Where it is one of several workers of a host that share a port: the socket of their relay. */
  relayPath: string | null;
}

/** @throws UserError when a port cannot be bound; nothing is left running then */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { settings, nodeId, logger, version, files, relayPath } = options;
  const metrics = new Metrics();
  const readiness = new Readiness();
  const assets = readAssets(files);
  if (!assets.has(sdkPath)) logger.warn(`${sdkPath} is not served: \`npm run build\` makes it`);
  const maxDescriptors = descriptorLimit();
  const bootId = randomBytes(8).toString('hex');
  const connections = new Connections(
    bootId,
    {
      maxConnections: settings.maxConnections ?? connectionsThatFit(maxDescriptors),
      maxControlFrames: settings.maxControlFrames,
    },
    metrics,
  );
  const slowConsumers = new SlowConsumers({
    connections,
    limitBytes: settings.backpressureLimitBytes,
    timeoutMs: settings.slowConsumerTimeoutMs,
    clock: systemClock,
    metrics,
    onSlow: (connection) => conflation.slow(connection),
  });
  const memory = new MemoryWatch({
    limitBytes: settings.memoryLimitBytes ?? Math.floor((memoryBytes() * memoryPart) / workersOf(settings)),
    residentBytes: () => process.memoryUsage.rss(),
    shed: (bytes) => slowConsumers.shed(bytes),
    clock: systemClock,
    metrics,
    logger,
  });

  const namespaces = resolveNamespaces(settings);
  const policy = new ChannelPolicy(namespaces);
  for (const name of namespaces.keys()) metrics.publishToWrite.of(name);
  const rawGaps = new RawGaps({
    connections,
    closes: (channel) => policy.closesRawOnGap(channel),
    spreadMs: settings.rawGapSpreadMs,
    clock: systemClock,
    random: Math.random,
  });
  // Made last of all that is joined here; until then there is nobody whom it could concern.
  let rooms: SequencedRooms | null = null;
  const clusterOptions = {
    ...{ settings, nodeId, logger, bootId, metrics, readiness },
    policy: policy.keepsAny ? policy : null,
    doubt: (concerns: (channel: string) => boolean) => rooms?.doubt(concerns),
    reachable: () => rooms?.reachable(),
  };
  const joined =
    relayPath !== null
      ? joinHost(clusterOptions, relayPath)
      : settings.redisUrl === null
        ? null
        : joinCluster(clusterOptions);
  const bridge = joined?.bridge ?? new InProcessBridge();
  const history = policy.keepsAny ? (joined?.history ?? memoryHistory(settings, policy, metrics)) : null;
  const handlerFailed = (where: 'request' | 'session' | 'flush', error: unknown): void => {
    metrics.handlerErrors.values[where] += 1;
    logger.error({ err: error, where }, 'a handler failed; this is a bug');
  };

  // The hub is made before the listeners that it publishes through, whose handlers need the hub.
  let publicListener: Listener | null = null;
  let adminListener: Listener | null = null;
  const codecs = [jsonCodec, msgpackCodec];
  const statusTopics = new Set(codecs.map((codec) => topicOf(statusChannel, codec)));
  const publishToTopic = (topic: string, payload: Payload, compress: boolean) =>
    (statusTopics.has(topic) ? adminListener : publicListener)?.publish(topic, payload, compress) ??
    'dropped';
  const onPressure = (bytes: number) => slowConsumers.suspect(bytes);
  const hub = new Hub({
    publishToTopic,
    onPressure,
    onRawGap: (channel) => rawGaps.missed(channel),
    watch: {
      opened(channel) {
        bridge.opened(channel);
        rooms?.opened(channel);
      },
      closed(channel) {
        bridge.closed(channel);
        rooms?.closed(channel);
      },
    },
    clock: systemClock,
    maxDelayMs: (channel) => policy.maxDelayMs(channel),
    compresses: (channel) => policy.compresses(channel),
    namespaceOf: (channel) => policy.namespaceOf(channel),
    onError: (error) => handlerFailed('flush', error),
    metrics,
  });
  const sequencing =
    history === null
      ? null
      : sequence({ sparesReads: () => memory.sparesReads, settings, history, hub, bridge, policy, metrics });
  rooms = sequencing?.rooms ?? null;
  const conflation = new Conflation({
    keepsLatest: (channel) => policy.keepsLatest(channel),
    resync: (connection, room) => {
      const { protocol } = connection;
      return protocol instanceof NativeSession && protocol.bringBack(connection, room);
    },
    hub,
    drainedBytes: settings.backpressureLimitBytes / 16,
    timeoutMs: settings.slowConsumerTimeoutMs,
    clock: systemClock,
    metrics,
  });
  const announcements = new Announcements({ codecs, publishToTopic, onPressure, metrics });
  const keys = new IdempotencyKeys<KeyFate>({
    clock: systemClock,
    windowMs: settings.idempotencyWindowMs,
    maxKeys: settings.idempotencyMaxKeys,
    onForgotten: () => {
      metrics.idempotencyKeysForgotten.value += 1;
    },
  });
  const broadcaster = new Broadcaster({ hub, announcements, bridge, sequencing, keys, metrics });
  const rawRoom = { broadcaster, hub, policy, metrics };
  const deadline = new ConnectDeadline(systemClock, settings.connectTimeoutMs);
  const native = {
    broadcaster,
    hub,
    announcements,
    bridge,
    recoveries: sequencing?.recoveries ?? null,
    keepsHistory: (channel: string) => policy.keepsHistory(channel),
    maxRecoveryBytes: settings.recoveryMaxBytes,
    // Beside what was missed, and below where a connection is cut off: the transport ends it at both limits together.
    maxSnapshotBytes: settings.recoveryMaxBytes + settings.backpressureLimitBytes * 0.75,
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
    memory,
    admission: new Admission({
      perSecond: settings.maxHandshakesPerSecond,
      clock: systemClock,
      random: Math.random,
    }),
    bridge,
    metrics,
    assets,
    rawRoom: new RawRoom({ ...rawRoom, hello: null }),
    rawRoomWithHello: new RawRoom({ ...rawRoom, hello }),
    natives: codecs.map((codec) => new NativeSession(codec, native)),
    channelPolicy: policy,
  });
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
  const dashboard = watchable({
    ...{
      settings,
      nodeId,
      bootId,
      version,
      files,
      key,
      native,
      codecs,
      hub,
      broadcaster,
      readiness,
      metrics,
    },
    bridge,
    isAlone: joined === null,
  });
  const exposition = new Exposition(metrics);
  const adminRoutes = new AdminListener({
    api,
    key,
    dashboard: dashboard.routes,
    readiness,
    exposition,
  });

  const limits = {
    maxPayloadBytes: settings.maxPayloadBytes,
    // What was missed is sent at once, and may wait beside what is live: `SlowConsumers` tells the two apart.
    backpressureLimitBytes:
      settings.backpressureLimitBytes + (policy.keepsAny ? settings.recoveryMaxBytes : 0),
    onError: handlerFailed,
  };
  const listen = await selectTransport();
  adminListener = await listen({
    ...limits,
    compress: false,
    shared: false,
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
      shared: relayPath !== null,
      maxBodyBytes: settings.maxPayloadBytes,
      host: settings.host,
      port: settings.port,
      handle: (request) => publicRoutes.handle(request),
    });
  } catch (error) {
    adminListener.stop();
    dashboard.stop();
    throw error;
  }
  const [listener, admin] = [publicListener, adminListener];
  const liveness = new Liveness(connections, systemClock, settings.idleTimeoutMs, () =>
    // It was sent to this one alone, or nobody has looked since.
    slowConsumers.suspect(0),
  );
  const descriptors = new DescriptorWatch({
    limit: maxDescriptors,
    inUse: () => descriptorsInUse(maxDescriptors),
    spare: new SpareDescriptors(),
    listener,
    clock: systemClock,
    metrics,
    logger,
  });
  const loopDelay = watchLoopDelay(systemClock, metrics.loopDelay);
  readiness.has('start');

  return {
    port: listener.port,
    adminPort: admin.port,
    metricsText: () => exposition.text(),
    async stop({ atOnce = false } = {}) {
      const { drainDelayMs, drainWindowMs } = atOnce ? { drainDelayMs: 0, drainWindowMs: 0 } : settings;
      readiness.stopping();
      dashboard.tell();
      metrics.drainPhase.value = 1;
      if (drainDelayMs > 0) {
        logger.info({ drainDelayMs }, 'not ready: load balancers get time to see it');
        await new Promise<void>((resolve) => systemClock.after(drainDelayMs, resolve));
      }
      readiness.close();
      metrics.drainPhase.value = 2;
      hub.flush();
      await drain({
        connections,
        windowMs: drainWindowMs,
        timeoutMs: settings.shutdownTimeoutMs,
        comeBackPerSecond: settings.maxHandshakesPerSecond,
        clock: systemClock,
        random: Math.random,
        metrics,
        onWave: (wave) => logger.info(wave, 'clients are told to come back elsewhere'),
      });
      metrics.drainPhase.value = 3;
      descriptors.stop();
      memory.stop();
      liveness.stop();
      rawGaps.stop();
      loopDelay.cancel();
      deadline.stop();
      // Those who watch see the end of it.
      await dashboard.close();
      slowConsumers.stop();
      conflation.stop();
      hub.stop();
      rooms?.stop();
      // What was published before the end goes to the history first: its frames come back over the bridge.
      await history?.stop();
      await bridge.stop();
      listener.stop();
      admin.stop();
    },
  };
}
