/**
 * How many publications travel in one frame to a client.
 */
import type { Publication } from './publication.ts';

/**
 * A batch frame takes no more publications when they have this many bytes together. Not decided by figures yet: what 15,000
 * did differently in `npm run bench -- fanout --rate 15000` was less than the noise.
 */
const fullFrameBytes = 65_536;

/** What a publication with a key takes beside key and payload, roughly. */
const keyedOverheadBytes = 24;

/** Where the frame that begins at `from` is full: at least one publication further on. */
export function endOfFrame(publications: readonly Publication[], from: number): number {
  let bytes = 0;
  for (let at = from; at < publications.length; at += 1) {
    const publication = publications[at];
    bytes += publication?.content.length ?? 0;
    if (typeof publication?.key === 'string') bytes += publication.key.length + keyedOverheadBytes;
    if (bytes >= fullFrameBytes) return at + 1;
  }
  return publications.length;
}
