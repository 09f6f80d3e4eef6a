/**
 * Remembers for a while, and in bounded number, what became of what was published under a key.
 */
import type { Clock } from '../clock.ts';

interface Remembered<Fate> {
  readonly fate: Fate;
  readonly expiresAt: number;
}

export interface IdempotencyKeysOptions {
  clock: Clock;
  /** How long a key is remembered, in milliseconds from its first use. */
  windowMs: number;
  /** Beyond so many the oldest are forgotten before their time. */
  maxKeys: number;
  /** One was forgotten before its time. */
  onForgotten?(): void;
}

export class IdempotencyKeys<Fate> {
  readonly #options: IdempotencyKeysOptions;
  /** In the order in which they expire, since all live equally long. Channels have no newlines in their names. */
  readonly #keys = new Map<string, Remembered<Fate>>();

  constructor(options: IdempotencyKeysOptions) {
    this.#options = options;
  }

  /** Keys that are remembered, or were until a moment ago. */
  get size(): number {
    return this.#keys.size;
  }

  /** What became of the key of a channel; null if it was not used within the window. */
  get(channel: string, key: string): Fate | null {
    this.#forget();
    return this.#keys.get(`${channel}\n${key}`)?.fate ?? null;
  }

  /** Only for a key that is not remembered. */
  set(channel: string, key: string, fate: Fate): void {
    const { clock, windowMs } = this.#options;
    this.#keys.set(`${channel}\n${key}`, { fate, expiresAt: clock.now() + windowMs });
    this.#forget();
  }

  #forget(): void {
    const { clock, maxKeys, onForgotten } = this.#options;
    const now = clock.now();
    for (const [key, { expiresAt }] of this.#keys) {
      const isEarly = expiresAt > now;
      if (isEarly && this.#keys.size <= maxKeys) return;
      this.#keys.delete(key);
      if (isEarly) onForgotten?.();
    }
  }
}
