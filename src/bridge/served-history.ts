/**
 * What the bridge does for the history over the same Redis (`history/redis-history.ts`).
 *
 * Channels with history do not go through frames of the bridge: what is appended to them is published by the script that
 * appends it. The bridge subscribes to where that comes, together with each shard, hands it on, and says when some of it may
 * not have arrived.
 */
import type { RedisPlace } from './redis-place.ts';

export interface ServedHistory {
  /** The Redis channel on which its frames come. */
  pubsubChannel(shard: number): string;
  /** Takes such a frame; false if it could not be read. */
  frame(shard: number, bytes: Buffer): boolean;
  /** Frames may not have arrived that concern these channels. */
  doubt(concerns: (channel: string) => boolean): void;
  /**
   * Gets a connection of its own to where some shards are.
   *
   * @param onLost it was lost, or refused: the shards may be elsewhere
   */
  open(place: RedisPlace, onLost: () => void): HistoryLink;
}

/** Its connection to one place. */
export interface HistoryLink {
  /** The `run_id` of the server that it leads to; null while it leads nowhere. */
  serverId(): string | null;
  /** Drops it and dials again. */
  reconnect(): void;
  /** Ends it for good: the shards are elsewhere now, or nowhere. */
  end(): void;
}
