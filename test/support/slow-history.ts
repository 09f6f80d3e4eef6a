/**
 * A history for tests that decide when each thing happens: what is appended is there at once, its frames arrive when the
 * test delivers them, and reads look and answer when it says so.
 *
 * A text like `key=value` is the value of a key, and `key=` deletes it.
 */
import { LatestValues } from '../../src/channel/latest-values.ts';
import {
  channelPart,
  type Position,
  type SequencedBatch,
  type Snapshot,
} from '../../src/channel/position.ts';
import { Publication } from '../../src/channel/publication.ts';
import type { History, ReceiveSequenced } from '../../src/history/history.ts';
import type { Slice } from '../../src/history/recovery.ts';

interface Read {
  look(): Slice | Position | null;
  settle(found: unknown): void;
  found: Slice | Position | null | undefined;
}

export class SlowHistory implements Pick<History, 'start' | 'read' | 'last' | 'top' | 'latest'> {
  readonly #size: number;
  readonly #pageSize: number;
  #receive: ReceiveSequenced = () => {};
  epoch = 'e0';
  #epochs = 0;
  /** Texts of the present epoch; the first has offset 1. */
  log: string[] = [];
  /** Frames on their way. */
  readonly frames: { channel: string; batch: SequencedBatch }[] = [];
  readonly reads: Read[] = [];
  available = true;

  constructor(size: number, pageSize = Number.POSITIVE_INFINITY) {
    this.#size = size;
    this.#pageSize = pageSize;
  }

  start(receive: ReceiveSequenced): void {
    this.#receive = receive;
  }

  publish(channel: string, ...texts: string[]): void {
    this.log.push(...texts);
    const publications = texts.map(publicationOf);
    this.frames.push({ channel, batch: { epoch: this.epoch, offset: this.log.length, publications } });
  }

  /** Hands out the oldest frame that is on its way. */
  deliver(): boolean {
    const frame = this.frames.shift();
    if (frame !== undefined) this.#receive(frame.channel, frame.batch);
    return frame !== undefined;
  }

  hand(channel: string, batch: SequencedBatch): void {
    this.#receive(channel, batch);
  }

  /** It forgets everything. What is on its way arrives all the same. */
  renew(): void {
    this.#epochs += 1;
    this.epoch = `e${this.#epochs}`;
    this.log = [];
  }

  /** Another server goes on, which does not have the last ones. */
  takeOver(...lost: string[]): void {
    this.#epochs += 1;
    this.epoch = `${this.#epochs}.${channelPart(this.epoch)}`;
    this.log = this.log.slice(0, this.log.length - lost.length);
  }

  read(_channel: string, { epoch, offset }: Position, max: number): Promise<Slice | null> {
    return this.#ask(() => {
      const top = this.log.length;
      if (epoch !== this.epoch) return { epoch: this.epoch, offset: top, publications: [], top };
      const from = Math.min(Math.max(offset, top - this.#size, 0), top);
      const end = Math.min(top, from + Math.min(max, this.#pageSize));
      return { epoch, offset: end, publications: this.#publications(from, end), top };
    });
  }

  last(_channel: string, count: number): Promise<Slice | null> {
    return this.#ask(() => {
      const top = this.log.length;
      const from = Math.max(top - Math.min(count, this.#size), 0);
      return { epoch: this.epoch, offset: top, publications: this.#publications(from, top), top };
    });
  }

  top(): Promise<Position | null> {
    return this.#ask(() => ({ epoch: this.epoch, offset: this.log.length }));
  }

  latest(): Promise<Snapshot | null> {
    return this.#ask(() => {
      const values = new LatestValues();
      values.take(this.#publications(0, this.log.length));
      return { epoch: this.epoch, offset: this.log.length, publications: values.publications() };
    });
  }

  /** The oldest read that has not yet looks at the log. */
  look(): boolean {
    const read = this.reads.find(({ found }) => found === undefined);
    if (read === undefined) return false;
    read.found = this.available ? read.look() : null;
    return true;
  }

  /** The oldest read that has looked is answered. */
  answer(): boolean {
    const [read] = this.reads;
    if (read?.found === undefined) return false;
    this.reads.shift();
    read.settle(read.found);
    return true;
  }

  #ask<T extends Slice | Position>(look: () => T): Promise<T | null> {
    return new Promise((settle) => {
      this.reads.push({ look, settle: settle as (found: unknown) => void, found: undefined });
    });
  }

  #publications(from: number, end: number): Publication[] {
    return this.log.slice(from, end).map(publicationOf);
  }
}

function publicationOf(text: string): Publication {
  const equals = text.indexOf('=');
  if (equals === -1) return Publication.text(text, 0);
  const key = text.slice(0, equals);
  return equals === text.length - 1 ? Publication.deletion(key, 0) : Publication.text(text, 0).withKey(key);
}

/** Lets everything that waits for what has been settled go on. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
