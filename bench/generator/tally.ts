/**
 * Accounts for every delivery: which records each receiver got, how late, in which order, and whether they were whole.
 *
 * Each receiver expects 0, 1, 2 … A number beyond the expected one leaves a hole; a number that fills a hole came late and
 * in the wrong order; any other number below the expected one came twice. What is still missing when everything has had
 * time to arrive was lost.
 */
import { build, type Histogram } from 'hdr-histogram-js';
import { isFillerIntact, readIntendedAt, readSequence } from './record.ts';

/** Microseconds: three digits, up to a minute. */
export function latencyHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
}

/** Holes remembered over all receivers; beyond them a late record counts as a duplicate, and the report says so. */
const maxHoles = 1_000_000;

export interface Counts {
  /** Records that arrived, duplicates included. */
  deliveries: number;
  duplicates: number;
  reordered: number;
  corrupted: number;
  /** Records that never arrived. */
  lost: number;
  /** More holes than are remembered: duplicates and reorderings are not told apart reliably. */
  overflowed: boolean;
}

export class Tally {
  readonly histogram = latencyHistogram();
  readonly #recordBytes: number;
  readonly #verifyEvery: number;
  readonly #next: Uint32Array;
  readonly #holes = new Map<number, Set<number>>();
  #holeCount = 0;
  #deliveries = 0;
  #duplicates = 0;
  #reordered = 0;
  #corrupted = 0;
  #overflowed = false;

  /** @param verifyEvery the filler of one record in so many is looked at; headers always are */
  constructor(receivers: number, recordBytes: number, verifyEvery: number) {
    this.#recordBytes = recordBytes;
    this.#verifyEvery = verifyEvery;
    this.#next = new Uint32Array(receivers);
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  /** A message of one or more records side by side arrived at a receiver at `now`. */
  message(receiver: number, bytes: Buffer, offset: number, size: number, now: number): void {
    const step = this.#recordBytes;
    if (size % step !== 0) {
      this.#corrupted += 1;
      return;
    }
    for (let at = offset; at < offset + size; at += step) this.#record(receiver, bytes, at, now);
  }

  /** @param published how many records each receiver should have got */
  counts(published: number): Counts {
    let lost = 0;
    for (const next of this.#next) lost += published - next;
    return {
      deliveries: this.#deliveries,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      corrupted: this.#corrupted,
      lost: lost + this.#holeCount,
      overflowed: this.#overflowed,
    };
  }

  #record(receiver: number, bytes: Buffer, at: number, now: number): void {
    const sequence = readSequence(bytes, at);
    if (
      sequence === -1 ||
      (this.#deliveries % this.#verifyEvery === 0 && !isFillerIntact(bytes, at, this.#recordBytes, sequence))
    ) {
      this.#corrupted += 1;
      return;
    }
    this.#deliveries += 1;
    const next = this.#next[receiver] as number;
    if (sequence === next) this.#next[receiver] = next + 1;
    else if (sequence > next) this.#openHoles(receiver, next, sequence);
    else this.#late(receiver, sequence);
    this.histogram.recordValue(
      Math.min(59_999_999, Math.max(0, Math.round((now - readIntendedAt(bytes, at)) * 1_000))),
    );
  }

  #openHoles(receiver: number, from: number, to: number): void {
    this.#next[receiver] = to + 1;
    let holes = this.#holes.get(receiver);
    if (holes === undefined) {
      holes = new Set();
      this.#holes.set(receiver, holes);
    }
    this.#holeCount += to - from;
    for (let sequence = from; sequence < to; sequence += 1) {
      if (this.#holeCount > maxHoles) {
        this.#overflowed = true;
        return;
      }
      holes.add(sequence);
    }
  }

  #late(receiver: number, sequence: number): void {
    if (this.#holes.get(receiver)?.delete(sequence) === true) {
      this.#holeCount -= 1;
      this.#reordered += 1;
    } else {
      this.#duplicates += 1;
    }
  }
}
