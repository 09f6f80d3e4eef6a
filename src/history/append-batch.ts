/**
 * Appends of one shard that wait to be carried out together.
 *
 * What goes to one channel gathers in one group, which becomes one entry; an append with an idempotency key has a group of
 * its own, since it may turn out to be there already. Nothing overtakes anything in its channel.
 */
import type { Position } from '../channel/position.ts';
import { maxBytesOf, type Publication } from '../channel/publication.ts';
import type { Appended } from './history.ts';

/** What a publication takes beside payload and key, at most. */
const overheadBytes = 16;

/**
 * Where a group ended up, or why nowhere. `refused`: there is no room for its keys. `one by one`: it, or one before it in its
 * channel, is of many, and not all of them have room.
 */
export type GroupResult =
  | { readonly position: Position; readonly duplicate: boolean }
  | 'refused'
  | 'one by one';

export class AppendGroup {
  readonly channel: string;
  readonly idempotencyKey: string | null;
  readonly publications: Publication[] = [];
  /** Those who want to know, and how many publications there were when theirs had been added. */
  readonly #waiting: { readonly end: number; readonly settle: (appended: Appended) => void }[] = [];

  constructor(channel: string, idempotencyKey: string | null) {
    this.channel = channel;
    this.idempotencyKey = idempotencyKey;
  }

  /** Borrowed bytes are copied. */
  add(publications: readonly Publication[]): Promise<Appended> {
    for (const publication of publications) this.publications.push(publication.keep());
    return new Promise((settle) => this.#waiting.push({ end: this.publications.length, settle }));
  }

  /** Whether different publishers have added to it. */
  get isOfMany(): boolean {
    return this.#waiting.length > 1;
  }

  /** The same in its parts, each as it was added. This one is settled with them. */
  split(): AppendGroup[] {
    let from = 0;
    return this.#waiting.map(({ end, settle }) => {
      const part = new AppendGroup(this.channel, this.idempotencyKey);
      part.publications.push(...this.publications.slice(from, end));
      part.#waiting.push({ end: end - from, settle });
      from = end;
      return part;
    });
  }

  confirm({ position: { epoch, offset }, duplicate }: Exclude<GroupResult, string>): void {
    const before = offset - this.publications.length;
    for (const { end, settle } of this.#waiting)
      settle({ outcome: 'confirmed', position: { epoch, offset: before + end }, duplicate });
  }

  fail(outcome: 'failed' | 'unknown' | 'refused'): void {
    for (const { settle } of this.#waiting) settle({ outcome });
  }
}

export class AppendBatch {
  readonly groups: AppendGroup[] = [];
  /** Groups that may take more, by channel. */
  readonly #open = new Map<string, AppendGroup>();
  /** At most, of entries. */
  bytes = 0;
  count = 0;

  add(
    channel: string,
    publications: readonly Publication[],
    idempotencyKey: string | null,
  ): Promise<Appended> {
    let group = idempotencyKey === null ? this.#open.get(channel) : undefined;
    if (group === undefined) {
      group = new AppendGroup(channel, idempotencyKey);
      this.groups.push(group);
      if (idempotencyKey === null) this.#open.set(channel, group);
      else this.#open.delete(channel);
    }
    this.count += publications.length;
    this.bytes += appendBytes(publications);
    return group.add(publications);
  }

  /** Takes a group as it is; nothing joins it. */
  take(group: AppendGroup): void {
    this.groups.push(group);
    this.count += group.publications.length;
    this.bytes += appendBytes(group.publications);
  }
}

/** What publications take in an entry, at most. */
export function appendBytes(publications: readonly Publication[]): number {
  let bytes = 0;
  for (const { content, key } of publications)
    bytes += maxBytesOf(content) + maxBytesOf(key ?? '') + overheadBytes;
  return bytes;
}
