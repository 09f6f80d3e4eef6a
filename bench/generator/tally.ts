/**
 * Accounts for every delivery: which records each receiver got, how late, in which order, and whether they were whole.
 *
 * Each receiver expects the numbers in turn. A number beyond the expected one leaves a hole; a number that fills a hole came late and
 * in the wrong order; any other number below the expected one came twice. What is still missing when everything has had
 * time to arrive was lost: holes are gaps in the stream, what is missing behind the last record is its tail.
 *
 * A damaged record is counted as corrupted and not as delivered, so its number is missing as well.
 */
import { latencyHistogram, recordMs } from './latency.ts';
import { isFillerIntact, readIntendedAt, readSequence } from './record.ts';

/** Holes remembered over all receivers; beyond them a late record counts as a duplicate, and the report says so. */
const maxHoles = 1_000_000;

/** What two looks at the clock on two cores may be apart. */
const clockErrorMs = 0.1;

/**
 * Filler bytes that are looked at for each record, on average: headers always, fillers of records up to this size always,
 * of larger ones each so many times. 84 bytes cost 50 ns; at half a million a second that is 3 % of a core.
 */
const verifiedBytes = 128;

export interface Counts {
  /** Records that arrived, duplicates included. */
  deliveries: number;
  duplicates: number;
  reordered: number;
  corrupted: number;
  /** Records that never arrived although a later one did. */
  gaps: number;
  /** Records missing at the end of a stream: lost, or still on their way in a server that has fallen behind. */
  tail: number;
  /** Records dated before they were due: a fault of the generator, all processes have the same clock. */
  early: number;
  /** More holes than are remembered: duplicates and reorderings are not told apart reliably. */
  overflowed: boolean;
}

export function addCounts(all: readonly Counts[]): Counts {
  const total = {
    deliveries: 0,
    duplicates: 0,
    reordered: 0,
    corrupted: 0,
    gaps: 0,
    tail: 0,
    early: 0,
    overflowed: false,
  };
  for (const counts of all) {
    total.deliveries += counts.deliveries;
    total.duplicates += counts.duplicates;
    total.reordered += counts.reordered;
    total.corrupted += counts.corrupted;
    total.gaps += counts.gaps;
    total.tail += counts.tail;
    total.early += counts.early;
    total.overflowed ||= counts.overflowed;
  }
  return total;
}

export class Tally {
  readonly histogram = latencyHistogram();
  readonly #recordBytes: number;
  readonly #verifyEvery: number;
  readonly #first: number;
  readonly #next: Uint32Array;
  readonly #holes = new Map<number, Set<number>>();
  #holeCount = 0;
  #deliveries = 0;
  #duplicates = 0;
  #reordered = 0;
  #corrupted = 0;
  #early = 0;
  #overflowed = false;

  /** @param first number of the first record that counts; what is below it belongs to a run before */
  constructor(receivers: number, recordBytes: number, first = 0) {
    this.#recordBytes = recordBytes;
    this.#verifyEvery = Math.max(1, Math.round(recordBytes / verifiedBytes));
    this.#first = first;
    this.#next = new Uint32Array(receivers).fill(first);
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  /** One or more records side by side arrived at a receiver at `now`. */
  records(receiver: number, bytes: Buffer, offset: number, size: number, now: number): void {
    const step = this.#recordBytes;
    if (size % step !== 0) {
      this.#corrupted += 1;
      return;
    }
    for (let at = offset; at < offset + size; at += step) this.#record(receiver, bytes, at, now);
  }

  /** @param published how many records each receiver should have got */
  counts(published: number): Counts {
    let tail = 0;
    for (const next of this.#next) tail += this.#first + published - next;
    return {
      deliveries: this.#deliveries,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      corrupted: this.#corrupted,
      gaps: this.#holeCount,
      tail,
      early: this.#early,
      overflowed: this.#overflowed,
    };
  }

  #record(receiver: number, bytes: Buffer, at: number, now: number): void {
    const sequence = readSequence(bytes, at);
    if (
      sequence === -1 ||
      (sequence % this.#verifyEvery === 0 && !isFillerIntact(bytes, at, this.#recordBytes, sequence))
    ) {
      this.#corrupted += 1;
      return;
    }
    if (sequence < this.#first) return;
    this.#deliveries += 1;
    const next = this.#next[receiver] as number;
    if (sequence === next) this.#next[receiver] = next + 1;
    else if (sequence > next) this.#openHoles(receiver, next, sequence);
    else this.#late(receiver, sequence);
    const ms = now - readIntendedAt(bytes, at);
    if (ms < -clockErrorMs) this.#early += 1;
    recordMs(this.histogram, ms);
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
