/**
 * The contract of histories: what was published in a channel is numbered, kept for a while, and handed to every node in the
 * order of the numbers.
 *
 * A history promises:
 *
 * - **Order.** Offsets of a channel begin at 1 and follow each other without a hole, on all nodes alike. Appends of one
 *   node to one channel get offsets in the order of the calls.
 * - **Atomicity.** The publications of one `append` get offsets that follow each other, are kept and are handed out
 *   together, or none of them ever is.
 * - **Reach.** What was appended is handed to `receive` on every node that listens to the channel, also on the one that
 *   appended it, in the order of offsets. A node that was away for a while missed something, which the next offset shows.
 * - **Bounds.** At most `size` publications of a channel can be read, and none for longer than `ttlMs` after the last one;
 *   little more takes memory. Memory, bytes that wait, and answers are bounded too; what is over a bound is refused, never queued.
 * - **Newest.** Where `latest` is kept, a snapshot holds the newest value of each key at its position, all of them: exactly
 *   what the publications up to there come to (`channel/latest-values.ts`). It belongs to its epoch and lives as long as the
 *   numbering. An append that would keep more than the bounds of `latest` allow is refused as a whole.
 * - **Honesty.** An epoch changes whenever something could have been lost or replaced: the server of the history is another
 *   one, was emptied, or kept only half of what belongs together. A position with the present epoch is therefore true, and
 *   what a slice holds behind it is exactly what was published behind it.
 *
 * What is kept outlives the last subscriber, and the numbering outlives what is kept: whoever has had everything before a
 * long silence has missed nothing.
 *
 * Only channels of which something is kept (`isSequenced`) have a history. To append to another one is a mistake of the
 * caller (`RangeError`); to read another one answers null, and so does the snapshot of one without `latest`.
 */
import type { Outcome } from '../bridge/bridge.ts';
import type { Position, SequencedBatch, Snapshot } from '../channel/position.ts';
import type { Publication } from '../channel/publication.ts';
import type { Slice } from './recovery.ts';

/**
 * Hands a batch to this node's subscribers. Its bytes are only valid during the call. It may overlap with what came before or
 * leave a hole behind it, and its epoch may be another one: the receiver compares positions.
 */
export type ReceiveSequenced = (channel: string, batch: SequencedBatch) => void;

/**
 * What became of an append. `failed`: nothing of it is kept or was handed out. `refused`: likewise, because there is no room
 * for its keys. `unknown`: nobody can say.
 *
 * `position` is that of the last publication. `duplicate`: the same idempotency key was used before, so nothing was
 * appended now, and `position` is where that was.
 */
export type Appended =
  | {
      readonly outcome: Extract<Outcome, 'confirmed'>;
      readonly position: Position;
      readonly duplicate: boolean;
    }
  | { readonly outcome: Exclude<Outcome, 'confirmed'> | 'refused' };

export interface History {
  /** Called once, before everything else. */
  start(receive: ReceiveSequenced): void;

  /**
   * Numbers, keeps and hands out publications. They are copied before the call returns. Never waits longer than for the
   * outcome of one command, and never rejects.
   *
   * @param publications at least one
   * @param idempotencyKey whoever appends to the same channel with the same key again within five minutes appends nothing;
   * 1 to 128 characters
   */
  append(channel: string, publications: readonly Publication[], idempotencyKey?: string): Promise<Appended>;

  /**
   * What is kept behind a position, from the oldest on: nothing if the epoch is another one. At most `maxPublications`, and not
   * many more bytes than `maxReadBytes`: the slice says how far the channel reaches. `recovery.ts` judges what it is worth.
   *
   * The read happens after the call: everything that is appended later than its answer tells is handed to `receive` later.
   *
   * @returns null when it cannot be asked now, or the channel has no history
   */
  read(channel: string, since: Position, maxPublications: number): Promise<Slice | null>;

  /** The last `count` publications, or as many as are kept; otherwise like `read`, but bytes are saved at the old end. */
  last(channel: string, count: number): Promise<Slice | null>;

  /**
   * Where the channel stands. A channel in which nothing was published stands at offset 0 of an epoch that the first
   * publication continues.
   */
  top(channel: string): Promise<Position | null>;

  /** The newest value of each key, at the position where the channel stands; otherwise like `read`, but whole. */
  latest(channel: string): Promise<Snapshot | null>;

  /** Sends what waits. Afterwards every append fails and every read answers null. */
  stop(): Promise<void>;
}

/** How long an idempotency key is remembered. */
export const idempotencyTtlMs = 300_000;

/** A slice has more bytes only if its first publications are larger. */
export const maxReadBytes = 1_048_576;

/**
 * How long a numbering is remembered after the last append or read: beyond the history itself, so that whoever has had
 * everything can still be told so.
 */
export function numberingTtlMs(historyTtlMs: number): number {
  return historyTtlMs + 86_400_000;
}
