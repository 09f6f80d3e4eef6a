/**
 * The contract of a native codec: the messages of `messages.ts` as frames, and back.
 *
 * A codec keeps nothing between two calls. What it returns may share a buffer that the next call of the same codec
 * overwrites: send it or copy it at once.
 */
import type { Position } from '../channel/position.ts';
import type { Payload, Publication } from '../channel/publication.ts';
import type { Command, GapReason, Reply, SnapshotReason } from './messages.ts';

/** The channel that a broadcast belongs to, as its subscribers know it. */
export interface ChannelHead {
  readonly channel: string;
  /** Node-wide; see docs/protocol.md, "batch". */
  readonly number: number;
  /** Of the channel's last publication on this node. */
  readonly sequence: number;
  /** That of the channel's last publication, in a channel with history; null in others, and while it is not known. */
  readonly position: Position | null;
}

export interface Codec {
  readonly subprotocol: string;
  /**
   * The commands of a frame from a client, which nobody vouches for, in order.
   *
   * @param time to stamp publications with, in milliseconds since 1970
   * @throws Malformed when the frame cannot be read to its end; commands before the flaw are lost with it
   */
  decode(frame: Payload, time: number): Command[];
  encode(reply: Reply): Payload;
  /** Publications of one channel, the last of which has the head's sequence and position; none of them makes a mark. */
  batch(head: ChannelHead, publications: readonly Publication[]): Payload;
  /** What follows begins behind the head's position. */
  gap(head: ChannelHead, reason: GapReason): Payload;
  /** Publications of other nodes do not reach this one from now on, in this channel. */
  degraded(head: ChannelHead): Payload;
  /**
   * What a client has of the channel is replaced by so many publications with keys, which follow in batches with sequence 0
   * and no position; behind them it stands at the head's position.
   */
  snapshot(head: ChannelHead, reason: SnapshotReason, count: number): Payload;
}
