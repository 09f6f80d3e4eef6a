/**
 * The last publications of a channel that came to this node live, and what was read behind them: as long as it reaches, whoever
 * comes back is served from here and nobody has to be asked.
 *
 * It is one unbroken run in one epoch. What does not continue it begins it anew. It is worth as much as the node's own
 * ears: its owner clears it when publications may have been missed.
 */
import { offsetBefore, type Position, type SequencedBatch } from '../channel/position.ts';
import { maxBytesOf, type Publication } from '../channel/publication.ts';
import { type Slice, unseen } from './recovery.ts';

interface Kept {
  readonly publication: Publication;
  readonly bytes: number;
}

export class RecentTail {
  readonly #maxBytes: number;
  #epoch = '';
  /** Of the last publication. */
  #offset = 0;
  #kept: Kept[] = [];
  #bytes = 0;

  /** @param maxBytes of payloads, over which the oldest are dropped */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Where the channel stands as far as this node has heard; null if it has heard nothing. */
  get position(): Position | null {
    return this.#epoch === '' ? null : { epoch: this.#epoch, offset: this.#offset };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Publications that are here. */
  get count(): number {
    return this.#kept.length;
  }

  /** Begins at a position that was read. */
  begin({ epoch, offset }: Position): void {
    this.clear();
    this.#epoch = epoch;
    this.#offset = offset;
  }

  /**
   * Takes what came live; borrowed bytes are copied.
   *
   * @returns what of it is new; or why it does not continue what came before, which is forgotten then: it begins anew
   */
  add(batch: SequencedBatch): readonly Publication[] | 'epoch_changed' | 'interrupted' {
    const { position } = this;
    const fresh = position === null ? batch.publications : unseen(position, batch);
    if (typeof fresh === 'string' || position === null)
      this.begin({ epoch: batch.epoch, offset: offsetBefore(batch) });
    for (const publication of typeof fresh === 'string' ? batch.publications : fresh) {
      const bytes = maxBytesOf(publication.content);
      this.#kept.push({ publication: publication.keepForLong(), bytes });
      this.#bytes += bytes;
      this.#offset += 1;
    }
    this.#stayWithinBytes();
    return fresh;
  }

  /** Takes what was read behind a position, if it reaches up to what is here. */
  prepend(slice: Slice): void {
    if (slice.epoch !== this.#epoch) return;
    const first = this.#offset - this.#kept.length;
    const overlap = slice.offset - first;
    const older = slice.publications.slice(0, Math.max(slice.publications.length - overlap, 0));
    if (overlap < 0 || older.length === 0) return;
    const kept = older.map((publication) => ({
      publication: publication.keepForLong(),
      bytes: maxBytesOf(publication.content),
    }));
    for (const { bytes } of kept) this.#bytes += bytes;
    this.#kept = [...kept, ...this.#kept];
    this.#stayWithinBytes();
  }

  /** What is behind a position, up to the end; null if that is not known here. */
  since({ epoch, offset }: Position): SequencedBatch | null {
    const behind = this.#offset - offset;
    if (epoch !== this.#epoch || !(behind >= 0 && behind <= this.#kept.length)) return null;
    const publications = this.#kept.slice(this.#kept.length - behind).map(({ publication }) => publication);
    return { epoch, offset: this.#offset, publications };
  }

  /** The last publications, as many as this or as are here; null if nothing is known here. */
  last(count: number): SequencedBatch | null {
    const { position } = this;
    if (position === null) return null;
    const { epoch, offset } = position;
    return this.since({ epoch, offset: offset - Math.min(count, this.#kept.length) });
  }

  /** Drops the publications and goes on from where it stands. */
  empty(): void {
    this.#kept = [];
    this.#bytes = 0;
  }

  clear(): void {
    this.#epoch = '';
    this.#offset = 0;
    this.empty();
  }

  #stayWithinBytes(): void {
    let dropped = 0;
    while (this.#bytes > this.#maxBytes && dropped < this.#kept.length) {
      this.#bytes -= this.#kept[dropped]?.bytes ?? 0;
      dropped += 1;
    }
    if (dropped > 0) this.#kept.splice(0, dropped);
  }
}
