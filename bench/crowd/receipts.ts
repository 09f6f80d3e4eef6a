/**
 * Who got what: each member must get each record of a run once, in order and whole. Four bytes per member.
 */
import { LatencyCounts } from '../generator/latency.ts';
import type { RecordForm, RecordHeader } from '../generator/record.ts';

export interface ReceiptCounts {
  /** Records that came in order, once each. */
  received: number;
  duplicates: number;
  /** Records left out before one that came. */
  gaps: number;
  corrupted: number;
  /** That belong to another run. */
  foreign: number;
  /** Monotonic milliseconds of the first and the last record; null before the first. */
  firstAt: number | null;
  lastAt: number | null;
}

export class Receipts {
  readonly #run: number;
  readonly #form: RecordForm;
  readonly #recordBytes: number;
  /** Of the next record of each member, by its number. */
  readonly #next: Int32Array;
  readonly #header: RecordHeader = { sequence: 0, intendedAt: 0, channel: 0, run: 0 };
  readonly #latency = new LatencyCounts();
  readonly counts: ReceiptCounts = {
    ...{ received: 0, duplicates: 0, gaps: 0, corrupted: 0, foreign: 0 },
    ...{ firstAt: null, lastAt: null },
  };

  /** @param members numbers are below it */
  constructor(run: number, form: RecordForm, recordBytes: number, members: number) {
    this.#run = run;
    this.#form = form;
    this.#recordBytes = recordBytes;
    this.#next = new Int32Array(members);
  }

  /** A record came to a member. */
  record(member: number, bytes: Buffer, offset: number, now: number): void {
    const { counts } = this;
    const header = this.#header;
    const size = this.#recordBytes;
    if (
      offset + size > bytes.length ||
      !this.#form.read(bytes, offset, header) ||
      !this.#form.isFillerIntact(bytes, offset, size, header.sequence)
    ) {
      counts.corrupted += 1;
      return;
    }
    if (header.run !== this.#run) {
      counts.foreign += 1;
      return;
    }
    const expected = this.#next[member] as number;
    if (header.sequence < expected) {
      counts.duplicates += 1;
      return;
    }
    counts.gaps += header.sequence - expected;
    this.#next[member] = header.sequence + 1;
    counts.received += 1;
    counts.firstAt ??= now;
    counts.lastAt = now;
    this.#latency.record(now - header.intendedAt);
  }

  /** A message that should hold records does not. */
  mangled(): void {
    this.counts.corrupted += 1;
  }

  /** For `mergedLatency`. */
  encodedLatency(): string {
    return this.#latency.encode();
  }
}
