/**
 * Decides when what was gathered under a key is flushed. It holds nothing itself and knows nothing of where it goes.
 *
 * The rule: a key that has been quiet flushes at the end of the turn of the loop, so a lone item waits for nothing. A key
 * that flushed less than `maxDelayMs` ago lingers until that time has passed, so that evenly paced items gather. A key
 * whose bytes or items reach their bound flushes at once.
 *
 * Example with 2 ms and an item every 0.1 ms: the first goes alone, then every 2 ms about 20 go together.
 *
 * Keys that are due flush together in one turn, so that their writes may share a system call.
 */
import type { Clock, Timer } from '../clock.ts';

export interface BatchLimits {
  /** How long a busy key may linger; 0 flushes at the end of each turn. */
  maxDelayMs: number;
  maxBytes: number;
  maxItems: number;
}

export class Batcher<Key> {
  readonly #clock: Clock;
  readonly #limits: BatchLimits;
  readonly #flush: (key: Key) => void;
  readonly #lastFlushAt = new Map<Key, number>();
  /** Keys with something gathered, and when each is due. */
  readonly #due = new Map<Key, number>();
  #endOfTurnPlanned = false;
  #timer: Timer | null = null;

  constructor(clock: Clock, limits: BatchLimits, flush: (key: Key) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#flush = flush;
  }

  /** An item was gathered under `key`, which now holds `items` of them with `bytes` together. */
  added(key: Key, bytes: number, items: number): void {
    if (bytes >= this.#limits.maxBytes || items >= this.#limits.maxItems) {
      this.#flushNow(key, this.#clock.now());
      return;
    }
    if (items > 1 && this.#due.has(key)) return;
    const now = this.#clock.now();
    const due = (this.#lastFlushAt.get(key) ?? Number.NEGATIVE_INFINITY) + this.#limits.maxDelayMs;
    this.#due.set(key, due);
    if (due <= now) this.#planEndOfTurn();
    else this.#planTimer(due - now);
  }

  /** Flushes everything that is gathered, due or not. */
  flushAll(): void {
    const now = this.#clock.now();
    for (const key of [...this.#due.keys()]) this.#flushNow(key, now);
  }

  #planEndOfTurn(): void {
    if (this.#endOfTurnPlanned) return;
    this.#endOfTurnPlanned = true;
    this.#clock.endOfTurn(() => {
      this.#endOfTurnPlanned = false;
      this.#flushDue();
    });
  }

  /** One timer for all keys, set for the first that asks: keys that flush together linger about equally long. */
  #planTimer(delayMs: number): void {
    this.#timer ??= this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.#flushDue();
    });
  }

  #flushDue(): void {
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [key, due] of this.#due) {
      if (due <= now) this.#flushNow(key, now);
      else next = Math.min(next, due);
    }
    if (next !== Number.POSITIVE_INFINITY) this.#planTimer(next - now);
  }

  #flushNow(key: Key, now: number): void {
    this.#due.delete(key);
    this.#lastFlushAt.set(key, now);
    this.#flush(key);
  }
}
