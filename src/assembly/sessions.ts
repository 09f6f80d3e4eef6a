/**
 * Puts together what speaks with clients: the native protocol in each codec, and raw rooms.
 */
import { systemClock } from '../clock.ts';
import { ConnectDeadline } from '../connection/connect-deadline.ts';
import { NativeSession, type NativeSessionOptions } from '../connection/native-session.ts';
import { RawRoom } from '../connection/raw-room.ts';
import type { Ground } from './ground.ts';
import type { MessagePath } from './message-path.ts';
import type { Neighbours } from './neighbours.ts';

export interface Sessions {
  /** What native sessions have. */
  readonly native: NativeSessionOptions;
  /** One for each codec. */
  readonly natives: readonly NativeSession[];
  readonly rawRoom: RawRoom;
  readonly rawRoomWithHello: RawRoom;
  stop(): void;
}

export function sessionsOf(
  { settings, nodeId, bootId, policy, metrics, codecs }: Ground,
  { bridge }: Neighbours,
  { hub, announcements, broadcaster, sequencing }: MessagePath,
): Sessions {
  const deadline = new ConnectDeadline(systemClock, settings.connectTimeoutMs);
  const native: NativeSessionOptions = {
    broadcaster,
    hub,
    announcements,
    bridge,
    recoveries: sequencing?.recoveries ?? null,
    keepsHistory: (channel) => policy.keepsHistory(channel),
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
  const raw = { broadcaster, hub, policy, metrics };
  const hello = (channel: string) =>
    JSON.stringify(bridge.reaches(channel) ? { node: nodeId } : { node: nodeId, degraded: true });
  return {
    native,
    natives: codecs.map((codec) => new NativeSession(codec, native)),
    rawRoom: new RawRoom({ ...raw, hello: null }),
    rawRoomWithHello: new RawRoom({ ...raw, hello }),
    stop: () => deadline.stop(),
  };
}
