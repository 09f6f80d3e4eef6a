/**
 * Remembers for a while what became of what was appended under a key.
 */
import type { Position } from '../channel/position.ts';
import type { Clock } from '../clock.ts';

interface Remembered {
  readonly position: Position;
  readonly expiresAt: number;
}

export class IdempotencyKeys {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxKeys: number;
  /** In the order in which they expire, since all live equally long. */
  readonly #keys = new Map<string, Remembered>();

  constructor(clock: Clock, ttlMs: number, maxKeys: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxKeys = maxKeys;
  }

  get(key: string): Position | null {
    this.#forget();
    return this.#keys.get(key)?.position ?? null;
  }

  set(key: string, position: Position): void {
    this.#keys.set(key, { position, expiresAt: this.#clock.now() + this.#ttlMs });
    this.#forget();
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [key, { expiresAt }] of this.#keys) {
      if (expiresAt > now && this.#keys.size <= this.#maxKeys) return;
      this.#keys.delete(key);
    }
  }
}
