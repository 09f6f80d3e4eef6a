/**
 * Reads of a history, shared: when many come back at once, each channel is read as often as the history can answer, not as
 * often as somebody asks.
 *
 * One read per channel and epoch is under way at a time. Who asks meanwhile waits for the next one, since the answer under
 * way may be older than his question; that one begins at the lowest offset that anybody asks from, and everybody gets his
 * part of it. Whoever stands behind the end of an answer that was cut waits for another one.
 *
 * Positions come from clients: one with an epoch of its own is asked for by itself, and gets nothing that others would wait
 * for.
 */
import { offsetBefore, type Position } from '../channel/position.ts';
import type { History } from './history.ts';
import type { Slice } from './recovery.ts';

interface Request {
  readonly offset: number;
  readonly maxPublications: number;
  settle(slice: Slice | null): void;
}

export class CoalescedReads implements Pick<History, 'read'> {
  readonly #history: Pick<History, 'read'>;
  readonly #onShared: (requests: number) => void;
  /** Who waits for the next read, by channel and epoch; there while one is under way. */
  readonly #waiting = new Map<string, Request[]>();

  /** @param onShared told how many were answered by the read of another */
  constructor(history: Pick<History, 'read'>, onShared: (requests: number) => void = () => {}) {
    this.#history = history;
    this.#onShared = onShared;
  }

  read(channel: string, since: Position, maxPublications: number): Promise<Slice | null> {
    return new Promise((settle) => {
      const { epoch, offset } = since;
      const request = { offset, maxPublications, settle };
      // A channel's name has no line break.
      const key = `${channel}\n${epoch}`;
      const waiting = this.#waiting.get(key);
      if (waiting !== undefined) {
        waiting.push(request);
        return;
      }
      const first = [request];
      this.#waiting.set(key, first);
      void this.#work(key, channel, epoch, first);
    });
  }

  async #work(key: string, channel: string, epoch: string, waiting: Request[]): Promise<void> {
    while (waiting.length > 0) {
      const requests = waiting.splice(0);
      const lowest = requests.reduce((min, { offset }) => Math.min(min, offset), Number.POSITIVE_INFINITY);
      const end = requests.reduce(
        (max, { offset, maxPublications }) => Math.max(max, offset + maxPublications),
        0,
      );
      if (requests.length > 1) this.#onShared(requests.length - 1);
      const slice = await this.#history.read(channel, { epoch, offset: lowest }, end - lowest);
      for (const request of requests) {
        const { offset, maxPublications, settle } = request;
        if (slice === null) settle(null);
        else if (offset !== lowest && slice.offset < slice.top && slice.offset <= offset)
          waiting.push(request);
        else settle(partOf(slice, offset, maxPublications));
      }
    }
    this.#waiting.delete(key);
  }
}

/** What of a slice is behind an offset, as if it had been read from there. */
function partOf(slice: Slice, offset: number, maxPublications: number): Slice {
  const before = offsetBefore(slice);
  const skipped = Math.min(Math.max(offset - before, 0), slice.publications.length);
  const publications = slice.publications.slice(skipped, skipped + maxPublications);
  return { ...slice, publications, offset: before + skipped + publications.length };
}
