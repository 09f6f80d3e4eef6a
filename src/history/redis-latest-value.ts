/**
 * A value in the hash of latest values, whose field is the key:
 *
 *     offset  float64     of the publication
 *     time    float64     when it was taken, in milliseconds since 1970
 *     kind    1 byte      as in entries (protocol/sequenced-frame.ts)
 *     payload the rest
 *
 * It is written by the append script, and not trusted: anybody who reaches Redis could have written or altered it.
 */
import type { Publication } from '../channel/publication.ts';
import { publicationOf, sequencedKinds } from '../protocol/sequenced-frame.ts';

/** What a value has before its payload. */
export const valueHeadBytes = 17;

/**
 * The publications of a hash, in the order of their offsets, as views of its bytes.
 *
 * @param fields keys and values in turn
 * @param top no offset is larger
 * @param onRejected a value was left out, since it was not what a node writes
 */
export function latestIn(fields: readonly Buffer[], top: number, onRejected: () => void): Publication[] {
  const found: { offset: number; publication: Publication }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = valueIn(fields[at] as Buffer, fields[at + 1] as Buffer);
    if (value === null || value.offset > top) onRejected();
    else found.push(value);
  }
  return found.sort((one, other) => one.offset - other.offset).map(({ publication }) => publication);
}

function valueIn(field: Buffer, value: Buffer): { offset: number; publication: Publication } | null {
  if (value.length < valueHeadBytes) return null;
  const offset = value.readDoubleBE(0);
  const time = value.readDoubleBE(8);
  const kind = sequencedKinds[value[16] as number];
  if (!Number.isSafeInteger(offset) || offset < 1 || !Number.isSafeInteger(Math.round(time))) return null;
  if (kind === undefined || kind === 'deleted') return null;
  const payload = value.subarray(valueHeadBytes);
  const publication = publicationOf(kind, payload, field.toString('utf8'), Math.max(Math.round(time), 0));
  return publication === null ? null : { offset, publication };
}
