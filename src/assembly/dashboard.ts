/**
 * Puts together what the dashboard needs: who may watch and who does, what this node tells, and the routes.
 *
 * Those who watch are no connections of the node: they do not count as such, need no room among them, and stay until all of
 * those have been drained, so that they see it.
 */
import type { Bridge } from '../bridge/bridge.ts';
import type { Cluster } from '../bridge/cluster.ts';
import type { Broadcaster } from '../broadcaster.ts';
import type { Hub } from '../channel/hub.ts';
import { systemClock } from '../clock.ts';
import { closeCodes } from '../close-codes.ts';
import { systemNamespace } from '../config/namespaces.ts';
import type { Settings } from '../config/settings.ts';
import { Connections } from '../connection/connections.ts';
import { Liveness } from '../connection/liveness.ts';
import { NativeSession, type NativeSessionOptions } from '../connection/native-session.ts';
import type { AdminKey } from '../http/admin-key.ts';
import { type AssetFiles, readDashboardAssets } from '../http/assets.ts';
import { Dashboard } from '../http/dashboard.ts';
import type { Readiness } from '../lifecycle/readiness.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import { maxBusyChannels, StatusFeed, statusChannel } from '../status-feed.ts';
import { allTogether, countersOf, distribution, type StatusReport } from '../status-report.ts';

/** More than ever watch one node; each is a connection beside `maxConnections`. */
const maxViewers = 64;

/** What those who watch get to take the last report and the close frame, as in `connection/drain.ts`. */
const lingerMs = 200;

export interface DashboardParts {
  settings: Settings;
  nodeId: string;
  bootId: string;
  version: string;
  files: AssetFiles;
  key: AdminKey;
  /** What sessions of clients have. */
  native: NativeSessionOptions;
  codecs: readonly Codec[];
  hub: Hub;
  broadcaster: Broadcaster;
  bridge: Bridge & Cluster;
  isAlone: boolean;
  readiness: Readiness;
  metrics: Metrics;
}

export interface WatchableNode {
  readonly routes: Dashboard;
  /** Tells those who watch how it is now. */
  tell(): void;
  /** Tells them a last time, and says goodbye. */
  close(): Promise<void>;
  stop(): void;
}

export function watchable(parts: DashboardParts): WatchableNode {
  const { settings, bootId, files, key, codecs, hub, broadcaster, bridge, metrics } = parts;
  const { dashboard } = metrics;
  const viewers = new Connections(
    // An id of its own: the operator's order to end a connection never means one of these.
    `${bootId}/dashboard`,
    { maxConnections: maxViewers, maxControlFrames: settings.maxControlFrames },
    {
      connectionsOpen: dashboard.viewers,
      connectionsOpened: dashboard.viewersOpened,
      connectionsClosed: dashboard.viewersClosed,
    },
  );
  const native: NativeSessionOptions = {
    ...parts.native,
    recoveries: null,
    keepsHistory: () => false,
    policy: {
      maySubscribe: (channel) => channel === statusChannel,
      mayPublish: () => false,
      maxPayloadBytes: () => 0,
      keepsLatest: () => false,
    },
    maxSubscriptions: 1,
  };
  const routes = new Dashboard({
    key,
    assets: readDashboardAssets(files),
    viewers,
    natives: codecs.map((codec) => new NativeSession(codec, native)),
    metrics: dashboard,
    now: Date.now,
  });
  const feed = new StatusFeed({
    broadcaster,
    cluster: bridge,
    report: reporter(parts),
    onUnwatched: () => hub.busy.stop(),
    clock: systemClock,
    metrics: dashboard,
  });
  const liveness = new Liveness(viewers, systemClock, settings.idleTimeoutMs, () => {});
  const stop = (): void => {
    feed.stop();
    liveness.stop();
  };
  return {
    routes,
    tell: () => feed.tell(),
    async close() {
      feed.tell();
      hub.flush();
      stop();
      if (viewers.open === 0) return;
      for (const viewer of viewers) viewer.close(closeCodes.goingAway, 'stopping');
      await new Promise<void>((resolve) => systemClock.after(lingerMs, resolve));
    },
    stop,
  };
}

/** Writes the reports of this node. */
function reporter(parts: DashboardParts): () => StatusReport {
  const { nodeId, bootId, version, hub, bridge, isAlone, readiness, metrics } = parts;
  const startedAt = systemClock.now();
  let reportedAt = startedAt;
  return () => {
    const now = systemClock.now();
    const overMs = now - reportedAt;
    reportedAt = now;
    return {
      node: nodeId,
      boot: bootId,
      version,
      runtime: process.versions.bun === undefined ? 'node' : 'bun',
      time: Date.now(),
      uptimeMs: Math.round(now - startedAt),
      state: readiness.state,
      lacking: readiness.lacking,
      drainPhase: metrics.drainPhase.value,
      bridge: isAlone ? null : bridge.state === 'connected',
      gauges: {
        connections: metrics.connectionsOpen.value,
        subscriptions: metrics.subscriptionsOpen.value,
        channels: metrics.channelsOpen.value,
        viewers: metrics.dashboard.viewers.value,
      },
      residentBytes: process.memoryUsage.rss(),
      counters: countersOf(metrics),
      publishToWrite: allTogether(metrics.publishToWrite, systemNamespace),
      bridgeLag: distribution(metrics.bridge.lag),
      loopDelay: distribution(metrics.loopDelay),
      busiest: {
        overMs,
        channels: hub.busy.take(maxBusyChannels + 1).filter(({ channel }) => channel !== statusChannel),
      },
    };
  };
}
