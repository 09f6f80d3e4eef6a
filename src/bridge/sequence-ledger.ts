/**
 * Notices what did not arrive: counts the frames of each sender and shard.
 *
 * The first frame or beat after a subscription was confirmed is the baseline. From then on every number must follow the
 * last; a jump is a gap of as many frames, a number that is not larger is a frame that came twice or too late. The beats
 * carry the last number too, so a loss before a silence is noticed within a beat.
 */

/** Senders that are told apart. More would be garbage or an attack; they are not counted. */
const maxSenders = 4_096;

const unknown = -1;

/** What a number means: `duplicate` must not be delivered; a number is how many frames are missing before it. */
export type Step = 'duplicate' | number;

export class SequenceLedger {
  readonly #shards: number;
  readonly #listening: boolean[];
  readonly #senders = new Map<string, Float64Array>();

  constructor(shards: number) {
    this.#shards = shards;
    this.#listening = new Array(shards).fill(false);
  }

  get senders(): number {
    return this.#senders.size;
  }

  /** The subscription of a shard was confirmed, or has ended: what was counted before means nothing now. */
  listen(shard: number, listening: boolean): void {
    this.#listening[shard] = listening;
    for (const last of this.#senders.values()) last[shard] = unknown;
  }

  /** A frame arrived. */
  frame(bootId: string, shard: number, sequence: number): Step {
    const last = this.#of(bootId);
    if (last === null) return 0;
    const before = last[shard] ?? unknown;
    if (before !== unknown && sequence <= before) return 'duplicate';
    last[shard] = sequence;
    return before === unknown ? 0 : sequence - before - 1;
  }

  /** A beat said that `sequence` was the last frame of a shard. Returns how many frames are missing. */
  beat(bootId: string, shard: number, sequence: number): number {
    if (this.#listening[shard] !== true) return 0;
    const last = this.#of(bootId);
    if (last === null) return 0;
    const before = last[shard] ?? unknown;
    if (sequence <= before) return 0;
    last[shard] = sequence;
    return before === unknown ? 0 : sequence - before;
  }

  /** A sender is gone for good. */
  forget(bootId: string): void {
    this.#senders.delete(bootId);
  }

  #of(bootId: string): Float64Array | null {
    const known = this.#senders.get(bootId);
    if (known !== undefined) return known;
    if (this.#senders.size >= maxSenders) return null;
    const fresh = new Float64Array(this.#shards).fill(unknown);
    this.#senders.set(bootId, fresh);
    return fresh;
  }
}
