/**
 * A channel that somebody on this node listens to, and the kinds of subscribers that it has there: one native topic of the
 * transport for each.
 */
import type { Histogram } from '../metrics/counter.ts';
import type { ChannelHead, Codec } from '../protocol/codec.ts';
import type { Position } from './position.ts';
import type { Publication } from './publication.ts';

/** The codec of native clients; null for raw ones, who get the payload and nothing around it. */
export type RoomCodec = Codec | null;

/** A channel that somebody on this node listens to. Whoever joins keeps it to leave by. */
export interface Room extends ChannelHead {
  /** Of all kinds together. */
  readonly subscribers: number;
}

/** One kind of subscribers of a room. */
export interface Outlet {
  readonly codec: RoomCodec;
  readonly topic: string;
  subscribers: number;
}

/** What the namespace of a channel says, looked up once. */
export interface RoomTraits {
  readonly maxDelayMs: number;
  readonly compress: boolean;
  /** How old its publications are when they have been written. */
  readonly latency: Histogram;
}

/** A room as the hub keeps it. */
export class OpenRoom implements Room {
  readonly channel: string;
  readonly number: number;
  sequence = 0;
  position: Position | null = null;
  subscribers = 0;
  publishedAtTick = 0;
  readonly maxDelayMs: number;
  readonly compress: boolean;
  readonly latency: Histogram;
  /** As `busy-channels.ts` has it. */
  counted = 0;
  /** Broadcast and not flushed yet, and the most bytes that they take. */
  pending: Publication[] = [];
  pendingBytes = 0;
  dirty = false;
  /**
   * Only those with a subscriber: one or two, never more than there are codecs. Another array after each change: somebody may
   * leave while it is gone through, when what is sent to him shows that he does not read.
   */
  outlets: readonly Outlet[] = [];

  constructor(channel: string, number: number, { maxDelayMs, compress, latency }: RoomTraits) {
    this.channel = channel;
    this.number = number;
    this.maxDelayMs = maxDelayMs;
    this.compress = compress;
    this.latency = latency;
  }
}

/** The native topic of one kind of subscribers. */
export function topicOf(channel: string, codec: RoomCodec): string {
  return `${codec?.subprotocol ?? 'raw'}:${channel}`;
}
