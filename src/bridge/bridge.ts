/**
 * The contract between a node and the other nodes.
 *
 * `publish` on a node reaches its own subscribers through the hub and everybody else's through the bridge. A bridge
 * promises:
 *
 * - **Reach.** A publication that it takes is delivered to every other node that has a subscriber in the channel, at
 *   most once each, and never back to the node that published it.
 * - **Order.** Publications of one node in one channel arrive everywhere in the order of the calls.
 * - **Bytes.** Text stays text, JSON stays JSON and binary stays binary, byte for byte.
 * - **Bounds.** `publish` never blocks and never queues without limit; what cannot be sent is dropped and counted.
 * - **Honesty.** `state` is never `connected` while publications of others could not arrive. A time in which they may have
 *   been missed is told to `onAway` when it begins, and counted, and told to `onGap`, when it ends.
 */
import type { Publication } from '../channel/publication.ts';
import type { GapReason } from '../protocol/messages.ts';

/**
 * Hands a publication of another node to this node's subscribers. Its bytes are only valid during the call.
 *
 * @param idempotencyKey null if it was published without one
 */
export type Receive = (channel: string, publication: Publication, idempotencyKey: string | null) => void;

/**
 * Tells that publications of other nodes may be missing in the channels that `concerns` says yes to: frames of a node did
 * not arrive (`bridge`), or this node could not hear anybody for a while (`bridge_away`).
 */
export type OnGap = (reason: GapReason, concerns: (channel: string) => boolean) => void;

/**
 * Tells that no publications of other nodes arrive from now on, in whichever channel (null), or in some while others go on. Called once
 * each time, before `onGap` says `bridge_away`.
 */
export type OnAway = (concerns: ((channel: string) => boolean) | null) => void;

/**
 * - `connected`: publications reach the other nodes, and theirs reach this one.
 * - `away`: they do not, now, or not in all channels (`carries`); local delivery goes on.
 */
export type BridgeState = 'connected' | 'away';

/**
 * What became of a publication on its way to the other nodes:
 *
 * - `confirmed`: the bridge has taken it; whoever listens gets it, or notices that it is missing.
 * - `failed`: no other node got it.
 * - `unknown`: no answer came in time, or the connection ended with it under way.
 */
export type Outcome = 'confirmed' | 'failed' | 'unknown';

export interface Bridge {
  readonly state: BridgeState;
  /** Begins to receive. Called once, before everything else. */
  start(receive: Receive, onGap: OnGap, onAway: OnAway): void;
  /** Takes a publication of this node to all others; it is copied or sent before the call returns. */
  publish(channel: string, publication: Publication): void;
  /**
   * Like `publish`, and says what became of it: at once where that is known, else within `redisCommandTimeoutMs` and the
   * time for which frames are gathered. Publications that travel together share one promise, which never rejects.
   *
   * @param idempotencyKey travels with it; the bridge itself compares nothing
   */
  publishConfirmed(
    channel: string,
    publication: Publication,
    idempotencyKey?: string | null,
  ): Outcome | Promise<Outcome>;
  /**
   * Makes ready for a subscriber of a channel that is about to be told that it is subscribed. The answer, or what the
   * promise resolves with after a second at most, is whether publications of other nodes reach this one.
   */
  prepare(channel: string): boolean | Promise<boolean>;
  /** True if publications of other nodes in this channel arrive now. */
  reaches(channel: string): boolean;
  /** False if it is known that publications in this channel do not reach the other nodes now. */
  carries(channel: string): boolean;
  /** The first local subscriber of a channel has come. */
  opened(channel: string): void;
  /** The last local subscriber of a channel has left. */
  closed(channel: string): void;
  /** Sends what is gathered and ends all connections; afterwards `publish` does nothing. */
  stop(): Promise<void>;
}
