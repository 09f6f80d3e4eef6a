/**
 * How many publications travel in one frame to a client.
 */
import type { Publication } from './publication.ts';

/**
 * A batch frame takes no more publications when they have this many bytes together.
 *
 * The larger a frame, the cheaper its bytes; but a client must hold a whole one before it sees the first publication, and
 * little is left to save. Server CPU of a delivery in µs, user and system time, 300 subscribers, 50 frames a second, medians of 2 rounds, A/A up to ±10 %:
 *
 *     npm run bench -- fanout --rate 50 --clients 300 --rounds 2 --systems outcry-bun,outcry-node --size BYTES
 *
 * | bytes | 1,000 | 4,000 | 8,000 | 15,000 | 17,000 | 32,000 | 60,000 |
 * |---|---|---|---|---|---|---|---|
 * | Bun | 8.3 | 9.9 | 14.2 | 18.1 | 10.9 | 15.1 | 18.7 |
 * | ns per byte | 8.3 | 2.5 | 1.8 | 1.2 | 0.64 | 0.47 | 0.31 |
 * | Node | 8.6 | 8.6 | 9.8 | 11.4 | 15.9 | 15.3 | 23.9 |
 * | ns per byte | 8.6 | 2.1 | 1.2 | 0.76 | 0.93 | 0.48 | 0.40 |
 *
 * Below 16 KiB uWebSockets gathers what goes to a socket in a buffer, above it writes each message by itself. On Bun the step
 * goes down: a message that is gathered is copied at what `transport/apart-from-page.ts` avoids for larger ones.
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
