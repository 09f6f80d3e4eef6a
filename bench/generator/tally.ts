/**
 * Accounts for every delivery: which records each receiver got, how late, in which order, and whether they were whole.
 *
 * Each receiver expects the numbers of each of its channels in turn. A number beyond the expected one leaves a hole; a number that fills a hole came late and
 * in the wrong order; any other number below the expected one came twice. What is still missing when everything has had
 * time to arrive was lost: holes are gaps in the stream, what is missing behind the last record is its tail.
 *
 * A damaged record is counted as corrupted and not as delivered, so its number is missing as well.
 */
import { LatencyCounts } from './latency.ts';
import type { RecordForm, RecordHeader } from './record.ts';
import { leastSeen, SeenRecordsMemory, type SeenRecords } from './seen-records.ts';

/** Holes remembered over all receivers; beyond them a late record counts as a duplicate, and the report says so. */
const maxHoles = 1_000_000;

/** What two looks at the clock on two cores may be apart. */
const clockErrorMs = 0.1;

/**
 * Filler bytes that are looked at for each record, on average: headers always, fillers of records up to this size always,
 * of larger ones each so many times. 80 bytes cost 50 ns; at half a million a second that is 3 % of a core.
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
  /** Records of a run before that still came: a system that is behind works on them first. */
  stale: number;
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
    stale: 0,
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
    total.stale += counts.stale;
    total.overflowed ||= counts.overflowed;
  }
  return total;
}

export interface TallyOptions {
  form: RecordForm;
  recordBytes: number;
  /** Records of other runs are not looked at. */
  run: number;
  /** The channels of each receiver. */
  subscriptions: readonly (readonly number[])[];
  /** Told of holes as they show. */
  watch?: HoleWatch;
}

export interface HoleWatch {
  /** So many records are missing in front of one that has just come. */
  missing(receiver: number, records: number): void;
  /** One of them has come after all. */
  late(receiver: number): void;
}

/** Where a receiver's channels stand in the list of all expected numbers. */
interface Places {
  first: number;
  /** Place of a channel behind `first`; null if there is only one. */
  of: ReadonlyMap<number, number> | null;
  only: number;
}

export class Tally {
  readonly latency = new LatencyCounts();
  readonly #form: RecordForm;
  readonly #recordBytes: number;
  readonly #verifyEvery: number;
  readonly #run: number;
  readonly #subscriptions: readonly (readonly number[])[];
  readonly #watch: HoleWatch | undefined;
  readonly #places: readonly Places[];
  readonly #next: Uint32Array;
  readonly #seen: SeenRecordsMemory;
  readonly #header: RecordHeader = { sequence: 0, intendedAt: 0, channel: 0, run: 0 };
  readonly #holes = new Map<number, Set<number>>();
  #holeCount = 0;
  #deliveries = 0;
  #duplicates = 0;
  #reordered = 0;
  #corrupted = 0;
  #early = 0;
  #stale = 0;
  #overflowed = false;

  constructor({ form, recordBytes, run, subscriptions, watch }: TallyOptions) {
    this.#watch = watch;
    this.#form = form;
    this.#recordBytes = recordBytes;
    this.#verifyEvery = Math.max(1, Math.round(recordBytes / verifiedBytes));
    this.#run = run;
    this.#subscriptions = subscriptions;
    let streams = 0;
    this.#places = subscriptions.map((channels) => {
      const first = streams;
      streams += channels.length;
      const of = channels.length === 1 ? null : new Map(channels.map((channel, place) => [channel, place]));
      return { first, of, only: channels[0] ?? -1 };
    });
    this.#next = new Uint32Array(streams);
    this.#seen = new SeenRecordsMemory(form, recordBytes);
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  /** Everything that came, of a run before as well. */
  get arrivals(): number {
    return this.#deliveries + this.#stale;
  }

  /** `count` records, the first at `offset` and each `stride` bytes behind the one before, arrived at `now`. */
  records(receiver: number, bytes: Buffer, offset: number, count: number, stride: number, now: number): void {
    const seen = count < leastSeen ? null : this.#seen.look(bytes, offset, count, stride);
    if (seen !== null && this.#takeSeen(receiver, seen, now)) return;
    for (let i = 0; i < count; i += 1) this.#record(receiver, bytes, offset + i * stride, now);
  }

  /** A message arrived in which no records can be found. */
  mangled(): void {
    this.#corrupted += 1;
  }

  /** What is missing at the end of a receiver's streams, if that many records of each channel were published. */
  tailOf(receiver: number, published: readonly number[]): number {
    const { first } = this.#places[receiver] as Places;
    const channels = this.#subscriptions[receiver] ?? [];
    return channels.reduce(
      (tail, channel, place) => tail + (published[channel] ?? 0) - (this.#next[first + place] as number),
      0,
    );
  }

  /** @param published how many records each channel should have brought */
  counts(published: readonly number[]): Counts {
    let tail = 0;
    let stream = 0;
    for (const channels of this.#subscriptions)
      for (const channel of channels) tail += (published[channel] ?? 0) - (this.#next[stream++] as number);
    return {
      deliveries: this.#deliveries,
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      corrupted: this.#corrupted,
      gaps: this.#holeCount,
      tail,
      early: this.#early,
      stale: this.#stale,
      overflowed: this.#overflowed,
    };
  }

  /** False if they are not what comes next, and have to be looked at one by one. */
  #takeSeen(receiver: number, { run, channel, first, intendedAt }: SeenRecords, now: number): boolean {
    if (run !== this.#run) {
      this.#stale += intendedAt.length;
      return true;
    }
    const stream = this.#streamOf(receiver, channel);
    if (stream === -1 || this.#next[stream] !== first) return false;
    const count = intendedAt.length;
    this.#next[stream] = first + count;
    this.#deliveries += count;
    for (let i = 0; i < count; i += 1) this.latency.record(now - (intendedAt[i] as number));
    // The last is the youngest.
    if (now - (intendedAt[count - 1] as number) < -clockErrorMs) this.#early += 1;
    return true;
  }

  #record(receiver: number, bytes: Buffer, at: number, now: number): void {
    const header = this.#header;
    if (!this.#form.read(bytes, at, header) || !this.#isWhole(bytes, at, header.sequence)) {
      this.#corrupted += 1;
      return;
    }
    if (header.run !== this.#run) {
      this.#stale += 1;
      return;
    }
    const stream = this.#streamOf(receiver, header.channel);
    // Somebody else's.
    if (stream === -1) {
      this.#corrupted += 1;
      return;
    }
    this.#deliveries += 1;
    const { sequence } = header;
    const next = this.#next[stream] as number;
    if (sequence === next) this.#next[stream] = next + 1;
    else if (sequence > next) {
      this.#openHoles(stream, next, sequence);
      this.#watch?.missing(receiver, sequence - next);
    } else if (this.#late(stream, sequence)) this.#watch?.late(receiver);
    const ms = now - header.intendedAt;
    if (ms < -clockErrorMs) this.#early += 1;
    this.latency.record(ms);
  }

  #isWhole(bytes: Buffer, at: number, sequence: number): boolean {
    if (sequence % this.#verifyEvery !== 0) return true;
    return this.#form.isFillerIntact(bytes, at, this.#recordBytes, sequence);
  }

  /** −1 if it does not listen to that channel. */
  #streamOf(receiver: number, channel: number): number {
    const { first, of, only } = this.#places[receiver] as Places;
    if (of === null) return channel === only ? first : -1;
    const place = of.get(channel);
    return place === undefined ? -1 : first + place;
  }

  #openHoles(stream: number, from: number, to: number): void {
    this.#next[stream] = to + 1;
    let holes = this.#holes.get(stream);
    if (holes === undefined) {
      holes = new Set();
      this.#holes.set(stream, holes);
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

  /** Whether it was missing. */
  #late(stream: number, sequence: number): boolean {
    const wasMissing = this.#holes.get(stream)?.delete(sequence) === true;
    if (wasMissing) {
      this.#holeCount -= 1;
      this.#reordered += 1;
    } else {
      this.#duplicates += 1;
    }
    return wasMissing;
  }
}
