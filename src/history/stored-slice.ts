/**
 * Makes a slice of the entries that a log held.
 *
 * Entries are not trusted: anybody who reaches Redis could have written or altered them. What is not an entry is left out and
 * counted, which leaves a hole; a slice has none, so it begins behind the last hole, and whoever needs more is told that it
 * is not kept.
 */
import type { Publication } from '../channel/publication.ts';
import { SequencedReader } from '../protocol/sequenced-frame.ts';
import type { Slice } from './recovery.ts';

/** Only ids that we write. */
const entryId = /^([1-9]\d{0,15})-0$/;

export interface StoredEntry {
  readonly id: string;
  readonly bytes: Buffer;
}

export interface StoredLog {
  readonly epoch: string;
  readonly top: number;
  /** In the order of their ids. */
  readonly entries: readonly StoredEntry[];
  /** There is more behind the last entry. */
  readonly cut: boolean;
}

export interface Wanted {
  /** The first offset, and how many publications from there on. */
  readonly from: number;
  readonly maxPublications: number;
}

const reader = new SequencedReader();

/** @param onRejected an entry was left out */
export function sliceOf(
  { epoch, top, entries, cut }: StoredLog,
  { from, maxPublications }: Wanted,
  onRejected: () => void,
): Slice {
  let run: Publication[] = [];
  let end = 0;
  for (const entry of entries) {
    const found = readEntry(entry);
    if (found === null || found.offset > top || found.offset - found.publications.length < end) {
      onRejected();
      continue;
    }
    // What comes first has nothing to continue; later there is a hole before what does not continue.
    if (found.offset - found.publications.length !== end) run = [];
    for (const publication of found.publications) run.push(publication);
    end = found.offset;
  }
  // The last ones are missing, so nobody can be brought up to the top.
  if (run.length === 0 || (end !== top && !cut)) return { epoch, offset: top, publications: [], top };
  const first = end - run.length + 1;
  const skipped = Math.min(Math.max(from - first, 0), run.length);
  const publications = run.slice(skipped, skipped + maxPublications);
  return { epoch, offset: first + skipped - 1 + publications.length, publications, top };
}

function readEntry({ id, bytes }: StoredEntry): { offset: number; publications: Publication[] } | null {
  const offset = Number(entryId.exec(id)?.[1]);
  if (!Number.isSafeInteger(offset)) return null;
  const publications = reader.entry(bytes);
  return publications === null || publications.length > offset ? null : { offset, publications };
}
