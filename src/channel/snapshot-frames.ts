/**
 * The latest values of a channel as frames: batches with sequence 0 and no position, which is told before them.
 */
import type { Codec } from '../protocol/codec.ts';
import { endOfFrame } from './frame-size.ts';
import type { Payload, Publication } from './publication.ts';

/** Each frame is only valid until the next one is asked for. */
export function* snapshotFrames(
  codec: Pick<Codec, 'batch'>,
  { channel, number }: { readonly channel: string; readonly number: number },
  publications: readonly Publication[],
): Generator<Payload> {
  const head = { channel, number, sequence: 0, position: null };
  for (let from = 0; from < publications.length; ) {
    const end = endOfFrame(publications, from);
    yield codec.batch(head, publications.slice(from, end));
    from = end;
  }
}
