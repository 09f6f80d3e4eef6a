/**
 * What the bridge does for the history over the same Redis (`history/redis-history.ts`).
 *
 * Channels with history do not go through frames of the bridge: what is appended to them is published by the script that
 * appends it. The bridge subscribes to where that comes, together with each shard, hands it on, and says when some of it may
 * not have arrived.
 */
export interface ServedHistory {
  /** The Redis channel on which its frames come. */
  pubsubChannel(shard: number): string;
  /** Takes such a frame; false if it could not be read. */
  frame(shard: number, bytes: Buffer): boolean;
  /** Frames may not have arrived that concern these channels. */
  doubt(concerns: (channel: string) => boolean): void;
  /** Its connection is dropped and dialled again. */
  reconnect(): void;
  /** The `run_id` of the server that its connection leads to; null while it has none. */
  serverId(): string | null;
}
