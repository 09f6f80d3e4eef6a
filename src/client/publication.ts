/**
 * One item of a channel, as it reaches the program.
 */
import type { NodeClock } from './node-clock.ts';
import type { PayloadKind } from './payload.ts';
import type { Incoming } from './wire.ts';

/** Where and when it was published. */
export interface Place {
  sequence: number;
  epoch: string | null;
  offset: number | null;
  time: number;
  nodeClock: NodeClock;
}

export class Publication<T = unknown> {
  readonly channel: string;
  /** A value of JSON, a string, or bytes (`Uint8Array`), as `kind` says. Undefined if it is `deleted`. */
  readonly data: T;
  readonly kind: PayloadKind;
  /** Whose latest value it is, in a channel that keeps them; null if of none. */
  readonly key: string | null;
  /** The key has no value any more. */
  readonly deleted: boolean;
  /** Its number in the channel, on the node that this client is connected to; 0 if it comes from the history or a snapshot. */
  readonly sequence: number;
  /** Of which numbering its offset is; null without a history, or if the node cannot say now. */
  readonly epoch: string | null;
  /** Its number in the history of the channel, the same on all nodes; null without a history, and in a snapshot. */
  readonly offset: number | null;
  /** When a node took it, in milliseconds since 1970 by that node's clock. In a batch: when it took the oldest one. */
  readonly time: number;
  readonly #nodeClock: NodeClock;

  constructor(channel: string, { data, kind, key, deleted }: Incoming, place: Place) {
    this.channel = channel;
    this.data = data as T;
    this.kind = kind;
    this.key = key;
    this.deleted = deleted;
    this.sequence = place.sequence;
    this.epoch = place.epoch;
    this.offset = place.offset;
    this.time = place.time;
    this.#nodeClock = place.nodeClock;
  }

  /** Milliseconds from when a node took it until now. Right as far as the clocks of the nodes agree; never below 0. */
  get age(): number {
    return Math.max(0, this.#nodeClock.now() - this.time);
  }
}
