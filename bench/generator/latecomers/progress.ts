/**
 * How far one client has come in the records of its channel: each once, in order and whole, or it counts as a fault.
 */
import type { RecordForm, RecordHeader } from '../record.ts';
import { leastSeen, type SeenRecordsMemory } from '../seen-records.ts';

export interface Faults {
  /** Records that were skipped, or are missing at the end. */
  lost: number;
  /** Records that had come before. */
  twice: number;
  /** Damaged, or of another channel. */
  corrupted: number;
}

export interface Reading {
  form: RecordForm;
  recordBytes: number;
  /** Shared by all clients of a process. */
  seen: SeenRecordsMemory;
}

export class Progress {
  readonly faults: Faults = { lost: 0, twice: 0, corrupted: 0 };
  readonly #reading: Reading;
  readonly #channel: number;
  #next = 0;

  constructor(reading: Reading, channel: number) {
    this.#reading = reading;
    this.#channel = channel;
  }

  /** Number of the record that comes next. */
  get next(): number {
    return this.#next;
  }

  records(bytes: Buffer, offset: number, count: number, stride: number): void {
    const { seen } = this.#reading;
    const known = count < leastSeen ? null : seen.look(bytes, offset, count, stride);
    if (known !== null && known.channel === this.#channel && known.first === this.#next) {
      this.#next += count;
      return;
    }
    for (let index = 0; index < count; index += 1) this.#record(bytes, offset + index * stride);
  }

  mangled(): void {
    this.faults.corrupted += 1;
  }

  /** Nothing more comes, and so many should have. */
  ended(records: number): void {
    this.faults.lost += Math.max(0, records - this.#next);
  }

  #record(bytes: Buffer, at: number): void {
    const { form, recordBytes } = this.#reading;
    const header: RecordHeader = { sequence: 0, intendedAt: 0, channel: 0, run: 0 };
    const whole =
      form.read(bytes, at, header) &&
      form.isFillerIntact(bytes, at, recordBytes, header.sequence) &&
      header.channel === this.#channel;
    if (!whole) this.faults.corrupted += 1;
    else if (header.sequence < this.#next) this.faults.twice += 1;
    else {
      this.faults.lost += header.sequence - this.#next;
      this.#next = header.sequence + 1;
    }
  }
}
