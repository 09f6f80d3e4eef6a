/**
 * What waits for one `for await` loop. It is bounded: a loop that stays behind for too long is told so by an error, after
 * it has got everything that still fitted. It never has a hole that it does not know of.
 */
import { OutcryError } from './outcry-error.ts';

interface Waiting<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: OutcryError): void;
}

export class Inbox<T> implements AsyncIterableIterator<T> {
  readonly #capacity: number;
  readonly #onReturn: (inbox: Inbox<T>) => void;
  #items: T[] = [];
  /** Where the next item is: taking one from the front of a long array would move all others. */
  #head = 0;
  /** Items beyond the capacity that may wait until all have been taken. */
  #extra = 0;
  readonly #waiting: Waiting<T>[] = [];
  /** Null while more may come; then how it ended. */
  #end: { error: OutcryError | null } | null = null;

  /** @param onReturn called when the loop has been left, or has heard of the overflow */
  constructor(capacity: number, onReturn: (inbox: Inbox<T>) => void) {
    this.#capacity = capacity;
    this.#onReturn = onReturn;
  }

  /** @param extra it takes no room: part of a history that was asked for, which comes at once, however fast the loop is */
  put(item: T, extra = false): void {
    if (this.#end !== null) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: item });
      return;
    }
    if (extra) this.#extra += 1;
    if (this.#items.length - this.#head < this.#capacity + this.#extra) this.#items.push(item);
    else this.end(OutcryError.of('overflow', `more than ${this.#capacity} publications waited for the loop`));
  }

  /** Nothing more comes. Without an error the loop just ends. */
  end(error: OutcryError | null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    const [first, ...others] = this.#waiting.splice(0);
    if (error === null) first?.resolve({ done: true, value: undefined });
    else first?.reject(error);
    for (const { resolve } of others) resolve({ done: true, value: undefined });
    // Heard by the one that waited: whoever asks again has come to the end.
    if (first !== undefined) this.#end = { error: null };
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#head < this.#items.length) {
      const value = this.#items[this.#head] as T;
      this.#head += 1;
      if (this.#head === this.#items.length) this.#extra = 0;
      if (this.#head === this.#items.length || this.#head > this.#capacity) {
        this.#items.splice(0, this.#head);
        this.#head = 0;
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#end === null) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    const { error } = this.#end;
    this.#end = { error: null };
    this.#onReturn(this);
    return error === null ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }

  /** The loop was left. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#items = [];
    this.#head = 0;
    this.end(null);
    this.#onReturn(this);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
