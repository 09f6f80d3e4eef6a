/**
 * Puts together the way of a message through this node: from whoever publishes, over the channel, to the topics of the
 * transport and to the bridge; and what slow clients of channels with values get in its place.
 */
import { Broadcaster, type KeyFate } from '../broadcaster.ts';
import { Announcements } from '../channel/announcements.ts';
import { Hub } from '../channel/hub.ts';
import { IdempotencyKeys } from '../channel/idempotency-keys.ts';
import type { SequencedRooms } from '../channel/sequenced-rooms.ts';
import { systemClock } from '../clock.ts';
import { Conflation } from '../connection/conflation.ts';
import { NativeSession } from '../connection/native-session.ts';
import type { Bounds } from './bounds.ts';
import type { Ground } from './ground.ts';
import type { Neighbours } from './neighbours.ts';
import type { Ports } from './ports.ts';
import { type Sequencing, sequence } from './sequencing.ts';

export interface MessagePath {
  readonly hub: Hub;
  readonly announcements: Announcements;
  readonly broadcaster: Broadcaster;
  readonly conflation: Conflation;
  /** Null if no channel has a history. */
  readonly sequencing: Sequencing | null;
  stop(): void;
}

export function messagePathOf(
  ground: Ground,
  neighbours: Neighbours,
  { slowConsumers, memory, rawGaps }: Bounds,
  publishToTopic: Ports['publish'],
): MessagePath {
  const { settings, policy, metrics, codecs } = ground;
  const { bridge, history } = neighbours;
  const onPressure = (bytes: number) => slowConsumers.suspect(bytes);
  // The hub is watched by what is made after it, and has no rooms before.
  let rooms: SequencedRooms | null = null;
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
    onError: (error) => ground.handlerFailed('flush', error),
    metrics,
  });
  const sparesReads = () => memory.sparesReads;
  const sequencing =
    history === null ? null : sequence({ sparesReads, settings, history, hub, bridge, policy, metrics });
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
  return {
    hub,
    announcements,
    broadcaster,
    conflation,
    sequencing,
    stop() {
      conflation.stop();
      hub.stop();
      rooms?.stop();
    },
  };
}
