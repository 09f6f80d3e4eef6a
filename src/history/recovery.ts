/**
 * What somebody has missed who left a channel at a position and is back: exactly the publications behind it, or why not.
 *
 * A channel is read while it goes on. What is handed out live from before the read on is kept aside (`live`); slices tell what
 * was before. The two overlap or meet, never more: the read came after the first live batch that could be missed.
 *
 *     since 4     slices  5 6 7 8 9         live  8 9 10 · 11 12         missed  5 6 7 8 9 10 11 12
 *
 * Nothing here waits or reads; it compares positions, and any doubt is a no.
 */
import { offsetBefore, type Position, type SequencedBatch } from '../channel/position.ts';
import type { Publication } from '../channel/publication.ts';

/**
 * What was kept behind a position. Without publications, `offset` is where the slice begins as well as where it ends.
 */
export interface Slice extends SequencedBatch {
  /** Of the channel's last publication when it was read; larger than `offset` if the slice was cut. */
  readonly top: number;
}

/**
 * - `epoch_changed`: the channel is numbered anew, what was behind the position is not known.
 * - `not_kept`: some of what was missed is not kept any more.
 * - `ahead`: the position is one that the channel has not reached.
 * - `interrupted`: what was live did not continue what was kept.
 */
export type WhyNot = 'epoch_changed' | 'not_kept' | 'ahead' | 'interrupted';

/** `position` is where whoever asked stands afterwards: what follows it is live. */
export type Recovery =
  | {
      readonly recovered: true;
      readonly publications: readonly Publication[];
      readonly position: Position;
    }
  | { readonly recovered: false; readonly whyNot: WhyNot; readonly position: Position };

/**
 * The publications of a batch that somebody at `position` does not have, none if it has them all; or why they would not
 * continue what it has.
 */
export function unseen(
  position: Position,
  batch: SequencedBatch,
): readonly Publication[] | 'epoch_changed' | 'interrupted' {
  if (batch.epoch !== position.epoch) return 'epoch_changed';
  const seen = position.offset - offsetBefore(batch);
  if (seen < 0) return 'interrupted';
  return seen === 0 ? batch.publications : batch.publications.slice(seen);
}

/**
 * Joins what was kept and what was live.
 *
 * @param slices at least one, read one behind the other from `since` on; only the last one tells the channel's top
 * @param live in the order in which it was handed out, complete from before the last read on
 */
export function recover(
  since: Position,
  slices: readonly [Slice, ...Slice[]],
  live: readonly SequencedBatch[],
): Recovery {
  const end = live.at(-1) ?? topOf(slices);
  const position = { epoch: end.epoch, offset: end.offset };
  const refuse = (whyNot: WhyNot): Recovery => ({ recovered: false, whyNot, position });

  const [first] = slices;
  if (first.epoch !== since.epoch) return refuse('epoch_changed');
  // Whoever was there was there before the read: what came live since is no excuse.
  if (!Number.isSafeInteger(since.offset) || since.offset > first.top) return refuse('ahead');
  const publications: Publication[] = [];
  const at = { epoch: since.epoch, offset: since.offset };
  for (const batch of [...slices, ...live]) {
    const next = unseen(at, batch);
    if (next === 'epoch_changed') return refuse(next);
    if (next === 'interrupted') return refuse(live.includes(batch) ? 'interrupted' : 'not_kept');
    for (const publication of next) publications.push(publication);
    at.offset += next.length;
  }
  // The last slice was cut, and what is live does not reach from there to where the channel was known to stand.
  if (at.offset < topOf(slices).offset) return refuse('interrupted');
  return { recovered: true, publications, position: at };
}

function topOf(slices: readonly [Slice, ...Slice[]]): Position {
  const { epoch, top } = slices.at(-1) ?? slices[0];
  return { epoch, offset: top };
}
