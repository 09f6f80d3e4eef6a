/**
 * Where one subscription stands in its channel, and so what of a batch is new to it and what is missing before it.
 *
 * Two numberings tell. The sequence is a node's own and starts anew with each connection. The offset is that of a channel with
 * a history, the same on all nodes: it outlives the connection, and where there is one it alone decides. Its epoch is not
 * known while the node cannot ask the history; then nobody can carry on from here.
 *
 *     since 41     answer: 57, recovered     replay 42 … 57     live 58 59 …
 *     last 3       answer: 57                replay 55 56 57    live 58 59 …
 */
import { distance, type Position, type Wish } from './position.ts';
import { SequenceTracker, type Verdict } from './sequence-tracker.ts';
import type { Batch, Joined } from './wire.ts';

/** Publications may be missing: those before and those behind are not next to each other. */
export interface Hole {
  readonly reason: string;
  /** How many; null if nobody knows. */
  readonly missed: number | null;
}

/** What comes from the history; live batches end it. `awaited`: its first publication tells where it begins. */
type Replay = 'none' | 'awaited' | 'running';

export class Cursor {
  readonly #firstWish: Wish | null;
  #started = false;
  #sequence = new SequenceTracker(0);
  #epoch: string | null = null;
  /** Of the last publication that was passed; null if the channel has no history, or nobody knows. */
  #offset: number | null = null;
  #replay: Replay = 'none';

  constructor(wish: Wish | null) {
    this.#firstWish = wish;
  }

  /** Behind the last publication that was passed; null if there is nothing to carry on from. */
  get position(): Position | null {
    if (this.#epoch === null || this.#offset === null || this.#replay === 'awaited') return null;
    return { epoch: this.#epoch, offset: this.#offset };
  }

  /** Of which numbering the offsets are; null if nobody has said so. */
  get epoch(): string | null {
    return this.#epoch;
  }

  /** It has an offset of it does not know which epoch. */
  get nameless(): boolean {
    return this.#offset !== null && this.#epoch === null;
  }

  /** What to ask for when joining, for the first time or again. */
  get wish(): Wish | null {
    // The node has answered, what it was asked for has not come: asked for again.
    if (!this.#started || this.#replay === 'awaited') return this.#firstWish;
    const { position } = this;
    return position && { since: position };
  }

  /** The node has answered to the wish. Returns what is missing between here and what follows. */
  join({ sequence, position, recovered, reason }: Omit<Joined, 'channel' | 'number'>): Hole | null {
    const { since, last } = this.wish ?? {};
    const again = this.#started;
    this.#started = true;
    this.#sequence = new SequenceTracker(sequence);
    if (since !== undefined && recovered === true) {
      this.#moveTo(since);
      this.#replay = 'running';
      return null;
    }
    this.#moveTo(position);
    if (last !== undefined && position !== null && position.offset > 0) this.#replay = 'awaited';
    // A node that has no history of this channel, or knows nothing of histories, gives no reason.
    if (since !== undefined) return { reason: reason ?? 'no_history', missed: distance(since, position) };
    return again ? { reason: 'reconnect', missed: null } : null;
  }

  /** Begins where another one is. */
  follow(other: Cursor): void {
    this.#started = true;
    this.#sequence = new SequenceTracker(other.#sequence.last);
    this.#epoch = other.#epoch;
    this.#offset = other.#offset;
  }

  /** Judges a batch. It is for the caller to pass what is missing and what is new. */
  take({ sequence, offset, publications: { length } }: Batch): Verdict {
    if (sequence === 0 && length > 0) {
      // Meant for whoever has asked, and others may be in the same channel.
      if (this.#replay === 'none' || offset === null) return { missed: 0, seen: length };
      if (this.#replay === 'awaited') this.#offset = offset - length;
      this.#replay = 'running';
    } else {
      this.#replay = 'none';
      const verdict = this.#sequence.take(sequence, length);
      if (offset === null || this.#offset === null) {
        if (offset !== null) this.#offset = offset - length + verdict.seen - verdict.missed;
        // Numbers that stay away do not count what comes.
        else if (length > 0) this.#moveTo(null);
        return verdict;
      }
    }
    return new SequenceTracker(this.#offset ?? 0).take(offset, length);
  }

  /** Goes on behind publications that were delivered, or told to be missing. */
  pass(count: number): void {
    if (this.#offset !== null) this.#offset += count;
  }

  /**
   * What follows begins behind a position.
   *
   * @returns how many publications are missing before it; null if nobody knows
   */
  jump(position: Position): number | null {
    const { epoch } = this;
    const missed = epoch === null ? null : distance({ epoch, offset: this.#offset ?? 0 }, position);
    // What the node saw begin earlier may be here already.
    if (missed !== null || epoch !== position.epoch) this.#moveTo(position);
    return missed;
  }

  /** Learns the epoch that its offset belongs to. */
  learn(epoch: string): void {
    if (this.nameless) this.#epoch = epoch;
  }

  #moveTo(position: Position | null): void {
    this.#epoch = position?.epoch ?? null;
    this.#offset = position?.offset ?? null;
    this.#replay = 'none';
  }
}
