/**
 * What was read once need not be read again: a system that encodes once sends the very same bytes to every subscriber, so
 * the second to have them only needs to be compared. That is what lets one process account for ten million records a
 * second, each of them byte by byte.
 *
 * Only runs of records are kept that are whole and in order, in one channel. Everything else is left to whoever looks at
 * records one by one.
 */
import type { RecordForm, RecordHeader } from './record.ts';

/** Fewer records are read faster than they are compared. */
export const leastSeen = 4;

/** Subscribers are at most a few frames apart while a server hands them out. */
const keptRuns = 16;

export interface SeenRecords {
  run: number;
  channel: number;
  /** Sequence of the first. */
  first: number;
  /** When each should have been sent. */
  intendedAt: Float64Array;
}

interface Kept extends SeenRecords {
  bytes: Buffer;
  stride: number;
}

export class SeenRecordsMemory {
  readonly #form: RecordForm;
  readonly #recordBytes: number;
  readonly #kept: Kept[] = [];
  #oldest = 0;

  constructor(form: RecordForm, recordBytes: number) {
    this.#form = form;
    this.#recordBytes = recordBytes;
  }

  /** The same `count` records, `stride` bytes apart, if they are whole and in order; otherwise null. */
  look(bytes: Buffer, offset: number, count: number, stride: number): SeenRecords | null {
    const size = (count - 1) * stride + this.#recordBytes;
    const word = bytes.readUInt32LE(offset);
    for (const kept of this.#kept) {
      if (kept.bytes.length !== size || kept.stride !== stride || kept.bytes.readUInt32LE(0) !== word)
        continue;
      if (bytes.compare(kept.bytes, 0, size, offset, offset + size) === 0) return kept;
    }
    return this.#learn(bytes, offset, count, stride, size);
  }

  #learn(bytes: Buffer, offset: number, count: number, stride: number, size: number): SeenRecords | null {
    const header: RecordHeader = { sequence: 0, intendedAt: 0, channel: 0, run: 0 };
    const intendedAt = new Float64Array(count);
    let start: RecordHeader | null = null;
    for (let i = 0; i < count; i += 1) {
      const at = offset + i * stride;
      if (!this.#form.read(bytes, at, header)) return null;
      if (!this.#form.isFillerIntact(bytes, at, this.#recordBytes, header.sequence)) return null;
      start ??= { ...header };
      const inOrder = header.sequence === start.sequence + i;
      if (!inOrder || header.channel !== start.channel || header.run !== start.run) return null;
      intendedAt[i] = header.intendedAt;
    }
    if (start === null) return null;
    const { run, channel, sequence: first } = start;
    const kept = {
      ...{ run, channel, first, intendedAt, stride },
      bytes: Buffer.from(bytes.subarray(offset, offset + size)),
    };
    this.#kept[this.#oldest] = kept;
    this.#oldest = (this.#oldest + 1) % keptRuns;
    return kept;
  }
}
