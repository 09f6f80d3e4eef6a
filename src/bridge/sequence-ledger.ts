/**
 * Notices what did not arrive: counts the frames of each sender and shard.
 *
 * The first frame or beat after a subscription was confirmed is the baseline. From then on every number must follow the
 * last; a jump is a gap of as many frames, a number that is not larger is a frame that came twice or too late. The beats
 * carry the last number too, so a loss before a silence is noticed within a beat.
 *
 * What is known of a sender outlives what cuts it off from here: a connection to Redis that was lost, or a silence so long
 * that the sender counts as gone. It has numbered what it could not send, so its next frame tells how much that was.
 */

/** Senders that are told apart. More would be garbage or an attack; they are not counted. */
const maxSenders = 4_096;
/** Silent senders whose numbers are kept in case they come back; most have died and never will. */
const maxSilentSenders = 256;

const unknown = -1;

/** What a number means: `duplicate` must not be delivered; a number is how many frames are missing before it. */
export type Step = 'duplicate' | number;

export class SequenceLedger {
  readonly #shards: number;
  readonly #listening: boolean[];
  /** Shards that were listened to when the connection was lost, and are not again yet. */
  readonly #interrupted: boolean[];
  /** Shards that are listened to again: a sender who has not been heard in one has sent its first frames meanwhile. */
  readonly #resumed: boolean[];
  readonly #senders = new Map<string, Float64Array>();
  /** Those of the senders that count as gone, the longest gone first. */
  readonly #silent = new Set<string>();

  constructor(shards: number) {
    this.#shards = shards;
    this.#listening = new Array(shards).fill(false);
    this.#interrupted = new Array(shards).fill(false);
    this.#resumed = new Array(shards).fill(false);
  }

  get senders(): number {
    return this.#senders.size;
  }

  /**
   * The subscription of a shard was confirmed, or has ended: what was counted before means nothing now, unless all that was
   * between is an interruption.
   */
  listen(shard: number, listening: boolean): void {
    this.#listening[shard] = listening;
    const resumes = this.#interrupted[shard] === true;
    this.#resumed[shard] = resumes && listening;
    if (resumes) {
      this.#interrupted[shard] = !listening;
      return;
    }
    for (const last of this.#senders.values()) last[shard] = unknown;
  }

  /** Subscriptions of these shards ended by themselves: what is sent until they are confirmed again is missing. */
  interrupt(shards: readonly number[]): void {
    for (const shard of shards)
      this.#interrupted[shard] = this.#interrupted[shard] === true || this.#listening[shard] === true;
  }

  /** A frame arrived. */
  frame(bootId: string, shard: number, sequence: number): Step {
    const last = this.#of(bootId);
    if (last === null) return 0;
    const before = this.#before(last, shard);
    if (before !== unknown && sequence <= before) return 'duplicate';
    last[shard] = sequence;
    return before === unknown ? 0 : sequence - before - 1;
  }

  /** A beat said that `sequence` was the last frame of a shard. Returns how many frames are missing. */
  beat(bootId: string, shard: number, sequence: number): number {
    if (this.#listening[shard] !== true) return 0;
    const last = this.#of(bootId);
    if (last === null) return 0;
    const before = this.#before(last, shard);
    if (sequence <= before) return 0;
    last[shard] = sequence;
    return before === unknown ? 0 : sequence - before;
  }

  /** A sender has been silent for long. Its numbers are kept for a while, should it come back. */
  fellSilent(bootId: string): void {
    if (!this.#senders.has(bootId)) return;
    this.#silent.add(bootId);
    if (this.#silent.size > maxSilentSenders) this.#forgetLongestSilent();
  }

  #before(last: Float64Array, shard: number): number {
    const before = last[shard] ?? unknown;
    return before === unknown && this.#resumed[shard] ? 0 : before;
  }

  #forgetLongestSilent(): void {
    const [longest] = this.#silent;
    if (longest === undefined) return;
    this.#silent.delete(longest);
    this.#senders.delete(longest);
  }

  #of(bootId: string): Float64Array | null {
    const known = this.#senders.get(bootId);
    if (known !== undefined) {
      this.#silent.delete(bootId);
      return known;
    }
    if (this.#senders.size >= maxSenders) this.#forgetLongestSilent();
    if (this.#senders.size >= maxSenders) return null;
    const fresh = new Float64Array(this.#shards).fill(unknown);
    this.#senders.set(bootId, fresh);
    return fresh;
  }
}
