/**
 * The newest value of each key of a channel: what its publications come to when they are taken in their order.
 *
 * A publication with a key replaces the value of that key, a deletion removes it, and one without a key changes nothing.
 */
import type { LatestBounds } from './position.ts';
import type { Publication } from './publication.ts';

/** Said of a publication with a key in a channel that keeps no values. */
export const noLatestValues = 'this channel keeps no latest values';
/** Said of a publication that would keep more than the bounds allow. */
export const tooManyKeys = 'this channel has no room for another key, or for a larger value';

interface Value {
  readonly publication: Publication;
  /** As `bytesOf` counts. */
  readonly bytes: number;
}

/** How many keys and bytes more there are. */
export interface Growth {
  readonly keys: number;
  readonly bytes: number;
}

/** What a key takes besides itself and its value, in the form in which they take most. */
export const keyOverheadBytes = 20;

export class LatestValues {
  /** In the order in which they were published. */
  readonly #values = new Map<string, Value>();
  #bytes = 0;

  /** Of keys and payloads, with `keyOverheadBytes` for each. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#values.size;
  }

  /** Takes publications in their order; borrowed bytes are copied. */
  take(publications: readonly Publication[]): void {
    for (const publication of publications) {
      const { key } = publication;
      if (key === null) continue;
      this.#bytes -= this.#values.get(key)?.bytes ?? 0;
      // What is set again stands last.
      this.#values.delete(key);
      if (publication.kind === 'deleted') continue;
      const bytes = bytesOf(key, publication);
      this.#values.set(key, { publication: publication.keep(), bytes });
      this.#bytes += bytes;
    }
  }

  /** What would be more if these were taken, once all of them are. */
  growthBy(publications: readonly Publication[]): Growth {
    const newest = new Map<string, Publication>();
    for (const publication of publications)
      if (publication.key !== null) newest.set(publication.key, publication);
    let [keys, bytes] = [0, 0];
    for (const [key, publication] of newest) {
      const before = this.#values.get(key);
      const isValue = publication.kind !== 'deleted';
      keys += Number(isValue) - Number(before !== undefined);
      bytes += (isValue ? bytesOf(key, publication) : 0) - (before?.bytes ?? 0);
    }
    return { keys, bytes };
  }

  /** Whether there is room for that. What makes nothing larger always has room. */
  admits({ keys, bytes }: Growth, { maxKeys, maxBytes }: LatestBounds): boolean {
    return (keys <= 0 || this.count + keys <= maxKeys) && (bytes <= 0 || this.#bytes + bytes <= maxBytes);
  }

  /** In the order in which they were published. */
  publications(): Publication[] {
    return Array.from(this.#values.values(), ({ publication }) => publication);
  }

  clear(): void {
    this.#values.clear();
    this.#bytes = 0;
  }
}

function bytesOf(key: string, { content }: Publication): number {
  const contentBytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  return Buffer.byteLength(key) + contentBytes + keyOverheadBytes;
}
