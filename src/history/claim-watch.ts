/**
 * Says whether the history over Redis works: connected is not enough, since a server may refuse what the history asks of it.
 *
 * Each second one shard is claimed, the next one each time; one that cannot be claimed is tried until it can.
 */
import type { Clock, Timer } from '../clock.ts';

const claimEveryMs = 1_000;

export interface ClaimWatchOptions {
  /** At least one. */
  shards: readonly number[];
  /** Never rejects. */
  claimable(shard: number): Promise<boolean>;
  clock: Clock;
  /** Called whenever it has changed; false at first. */
  onChange(works: boolean): void;
}

export class ClaimWatch {
  readonly #options: ClaimWatchOptions;
  #timer: Timer | null = null;
  /** Another number for each connection, so that an answer to an older one counts for nothing. */
  #connection = 0;
  /** Which of them is next. */
  #next = 0;
  #works = false;

  constructor(options: ClaimWatchOptions) {
    this.#options = options;
  }

  /** There is a connection. */
  connected(): void {
    this.lost();
    this.#connection += 1;
    this.#timer = this.#options.clock.every(claimEveryMs, () => void this.#claim());
    void this.#claim();
  }

  /** There is none. */
  lost(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#connection += 1;
    this.#set(false);
  }

  async #claim(): Promise<void> {
    const { claimable, shards } = this.#options;
    const connection = this.#connection;
    const next = this.#next;
    const works = await claimable(shards[next] as number);
    if (connection !== this.#connection) return;
    if (works && next === this.#next) this.#next = (next + 1) % shards.length;
    this.#set(works);
  }

  #set(works: boolean): void {
    if (works === this.#works) return;
    this.#works = works;
    this.#options.onChange(works);
  }
}
