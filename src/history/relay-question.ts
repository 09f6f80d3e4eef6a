/**
 * What a worker asks the history that the relay of its host keeps, and what it is told.
 *
 * | question | what follows | answer |
 * |---|---|---|
 * | append | channel, idempotency key or nil, entry | outcome, epoch, offset, 1 if it was there already; or the outcome alone |
 * | read   | channel, epoch, offset, most publications | epoch, offset, top, entries; nil if there is no history |
 * | last   | channel, most publications | likewise |
 * | top    | channel | epoch, offset; or nil |
 * | latest | channel | epoch, offset, entries; or nil |
 *
 * Publications travel as entries (`protocol/sequenced-frame.ts`), one for each time of publication, since an entry has one.
 */
import type { Publication } from '../channel/publication.ts';
import { Malformed } from '../protocol/malformed.ts';
import { asBytes, asList, type ReadValue } from '../protocol/relay-frame.ts';
import type { SequencedReader, SequencedWriter } from '../protocol/sequenced-frame.ts';

/** In one entry: far below what an entry may hold. */
const maxPublications = 256;

export function entriesOf(writer: SequencedWriter, publications: readonly Publication[]): Buffer[] {
  const entries: Buffer[] = [];
  for (let from = 0; from < publications.length; ) {
    const time = publications[from]?.time;
    let to = from + 1;
    while (to < publications.length && to - from < maxPublications && publications[to]?.time === time)
      to += 1;
    entries.push(writer.entry(publications.slice(from, to)));
    from = to;
  }
  return entries;
}

/** @throws Malformed */
export function publicationsIn(reader: SequencedReader, entries: ReadValue | undefined): Publication[] {
  return asList(entries).flatMap((bytes) => {
    const publications = reader.entry(asBytes(bytes));
    if (publications === null) throw new Malformed('an entry was expected');
    return publications;
  });
}
