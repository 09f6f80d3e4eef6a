/**
 * Puts together what keeps the connections of a node within what it has: their number, what waits for them, memory,
 * descriptors, and the time since something was heard of them.
 */
import { systemClock } from '../clock.ts';
import {
  connectionsThatFit,
  descriptorLimit,
  descriptorsInUse,
  memoryBytes,
  SpareDescriptors,
  workersOf,
} from '../config/machine.ts';
import type { Connection } from '../connection/connection.ts';
import { Connections } from '../connection/connections.ts';
import { Liveness } from '../connection/liveness.ts';
import { RawGaps } from '../connection/raw-gaps.ts';
import { SlowConsumers } from '../connection/slow-consumers.ts';
import { DescriptorWatch } from '../lifecycle/descriptor-watch.ts';
import { MemoryWatch } from '../lifecycle/memory-watch.ts';
import { watchLoopDelay } from '../metrics/loop-delay.ts';
import type { Listener } from '../transport/transport.ts';
import type { Ground } from './ground.ts';

/** What one process of this host may have of its memory, unless it is set. */
const memoryPart = 0.8;

export interface Bounds {
  readonly connections: Connections;
  readonly slowConsumers: SlowConsumers;
  readonly memory: MemoryWatch;
  readonly rawGaps: RawGaps;
  /** Begins with what can only be watched where somebody may connect. */
  watch(listener: Listener): void;
  /** After the drain. Slow consumers are looked for until their own stop: those who watch are served longer. */
  stop(): void;
}

export function boundsOf(
  { settings, bootId, policy, metrics, logger }: Ground,
  onSlow: (connection: Connection) => void,
): Bounds {
  const limit = descriptorLimit();
  const connections = new Connections(
    bootId,
    {
      maxConnections: settings.maxConnections ?? connectionsThatFit(limit),
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
    onSlow,
  });
  const memory = new MemoryWatch({
    limitBytes: settings.memoryLimitBytes ?? Math.floor((memoryBytes() * memoryPart) / workersOf(settings)),
    residentBytes: () => process.memoryUsage.rss(),
    shed: (bytes) => slowConsumers.shed(bytes),
    clock: systemClock,
    metrics,
    logger,
  });
  const rawGaps = new RawGaps({
    connections,
    closes: (channel) => policy.closesRawOnGap(channel),
    spreadMs: settings.rawGapSpreadMs,
    clock: systemClock,
    random: Math.random,
  });
  let stopWatching = (): void => {};
  return {
    connections,
    slowConsumers,
    memory,
    rawGaps,
    watch(listener) {
      const liveness = new Liveness(connections, systemClock, settings.idleTimeoutMs, () =>
        // It was sent to this one alone, or nobody has looked since.
        slowConsumers.suspect(0),
      );
      const descriptors = new DescriptorWatch({
        limit,
        inUse: () => descriptorsInUse(limit),
        spare: new SpareDescriptors(),
        listener,
        clock: systemClock,
        metrics,
        logger,
      });
      const loopDelay = watchLoopDelay(systemClock, metrics.loopDelay);
      stopWatching = () => {
        descriptors.stop();
        liveness.stop();
        loopDelay.cancel();
      };
    },
    stop() {
      stopWatching();
      memory.stop();
      rawGaps.stop();
    },
  };
}
