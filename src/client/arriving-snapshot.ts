/**
 * A snapshot of the latest values of a channel while its parts arrive. Nothing of it counts until all of it is here: a
 * connection that ends in between leaves everybody where he was.
 */
import type { Position } from './position.ts';
import type { Publication } from './publication.ts';
import type { Batch, Joined } from './wire.ts';

export interface Purpose {
  /** Where it was taken; null if the node does not say. */
  readonly position: Position | null;
  /** Keys that belong to it. */
  readonly count: number;
  /** The answer to a question of ours that it belongs to. */
  readonly answer: Joined | null;
  /** Why the node sends it unasked; null if it does not. */
  readonly reason: string | null;
}

export class ArrivingSnapshot {
  readonly purpose: Purpose;
  readonly values = new Map<string, Publication>();
  /** What came from the history meanwhile, for the same audience. */
  readonly held: Batch[] = [];
  /** In a form that is not known here. */
  unreadable = 0;

  constructor(purpose: Purpose) {
    this.purpose = purpose;
  }

  /** A part that comes twice changes nothing. */
  get complete(): boolean {
    return this.values.size + this.unreadable >= this.purpose.count;
  }

  /** @param publication null for one in a form that is not known */
  add(publication: Publication | null): void {
    if (publication === null || publication.key === null) this.unreadable += 1;
    else this.values.set(publication.key, publication);
  }
}
