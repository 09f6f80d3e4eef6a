/**
 * Where something stands in a channel that has a history.
 *
 * The publications of such a channel are numbered 1, 2, 3 … on all nodes alike: that is the offset. The epoch names the
 * numbering. It is another one whenever what was numbered could have been lost or replaced, so two positions may only be
 * compared when their epochs are equal; an epoch says nothing about age.
 */
import type { Publication } from './publication.ts';

export interface Position {
  readonly epoch: string;
  /** Of the last publication that somebody has; 0 before the first. A whole number below 2^53. */
  readonly offset: number;
}

/** Publications of one channel whose offsets follow each other. */
export interface SequencedBatch extends Position {
  /** Of the *last* publication: the first has `offset − publications.length + 1`. */
  readonly offset: number;
  readonly publications: readonly Publication[];
}

/** What is kept of a channel. */
export interface Retention {
  /** Publications; 0 keeps none. */
  readonly size: number;
  /** How long after the last publication. */
  readonly ttlMs: number;
  /** Of the newest value of each key; absent keeps none. */
  readonly latest?: LatestBounds;
}

export interface LatestBounds {
  readonly maxKeys: number;
  /** Of keys and payloads together, with 20 bytes more for each key. */
  readonly maxBytes: number;
}

/** The newest value of each key at a position, in the order in which they were published. */
export interface Snapshot extends Position {
  readonly publications: readonly Publication[];
}

/** Whether the publications of a channel are numbered: as soon as anything of it is kept. */
export function isSequenced({ size, latest }: Retention): boolean {
  return size > 0 || latest !== undefined;
}

/** A channel with the latest values keeps its last publication in any case: its loss shows that something was lost. */
export function keptPublications({ size, latest }: Retention): number {
  return latest === undefined ? size : Math.max(size, 1);
}

/** The offset before the first publication of a batch. */
export function offsetBefore({ offset, publications }: SequencedBatch): number {
  return offset - publications.length;
}

/**
 * The epoch of the channel, without the generation. Where it stays the same, another server goes on with the numbers that it
 * knew of: some may have been given again, and what came before may be kept under both epochs.
 */
export function channelPart(epoch: string): string {
  return epoch.slice(epoch.indexOf('.') + 1);
}
