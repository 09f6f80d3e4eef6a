/**
 * One item of a channel, as it reaches the program.
 */
import type { NodeClock } from './node-clock.ts';
import type { PayloadKind } from './payload.ts';

export class Publication<T = unknown> {
  readonly channel: string;
  /** A value of JSON, a string, or bytes (`Uint8Array`), as `kind` says. */
  readonly data: T;
  readonly kind: PayloadKind;
  /** Its number in the channel, on the node that this client is connected to. */
  readonly sequence: number;
  /** When a node took it, in milliseconds since 1970 by that node's clock. In a batch: when it took the oldest one. */
  readonly time: number;
  readonly #nodeClock: NodeClock;

  constructor(
    channel: string,
    data: T,
    kind: PayloadKind,
    sequence: number,
    time: number,
    nodeClock: NodeClock,
  ) {
    this.channel = channel;
    this.data = data;
    this.kind = kind;
    this.sequence = sequence;
    this.time = time;
    this.#nodeClock = nodeClock;
  }

  /** Milliseconds from when a node took it until now. Right as far as the clocks of the nodes agree; never below 0. */
  get age(): number {
    return Math.max(0, this.#nodeClock.now() - this.time);
  }
}
