/**
 * Which shards this node must hear, and which ones Redis has confirmed that it does.
 *
 * A shard is wanted while a local channel of it has a subscriber, and for a while after the last one left, so that people
 * who come and go do not cause a command each. One reconciler brings what is confirmed in line with what is wanted; it runs
 * alone, so a subscribe and an unsubscribe of the same shard never overtake each other. Nothing is remembered by the Redis
 * client: after a reconnect everything that is wanted is subscribed again from here, many shards in one command.
 */
import type { Clock, Timer } from '../clock.ts';

/** Shards in one command. */
const batchSize = 128;

export interface InterestOptions {
  shards: number;
  clock: Clock;
  /** How long a shard stays wanted after its last subscriber. */
  lingerMs: number;
  /** Resolve when Redis has confirmed; reject when the connection failed. */
  subscribe(shards: readonly number[]): Promise<void>;
  unsubscribe(shards: readonly number[]): Promise<void>;
  /** A shard is heard from now on, or no longer. */
  onChange(shard: number, confirmed: boolean): void;
}

interface Shard {
  channels: number;
  /** Wanted until then, even without channels. */
  lingersUntil: number;
  confirmed: boolean;
  waiting: (() => void)[];
}

/** What is known of one connection to Redis. */
interface Connection {
  /** A command is under way on it. */
  busy: boolean;
}

export class Interest {
  readonly #options: InterestOptions;
  readonly #shards: Shard[];
  readonly #timer: Timer;
  /** Null while there is none; another object for each, so that an answer from an old one is known as such. */
  #connection: Connection | null = null;

  constructor(options: InterestOptions) {
    this.#options = options;
    this.#shards = Array.from({ length: options.shards }, () => ({
      channels: 0,
      lingersUntil: Number.NEGATIVE_INFINITY,
      confirmed: false,
      waiting: [],
    }));
    this.#timer = options.clock.every(options.lingerMs / 2, () => this.#reconcile());
  }

  /** The first local subscriber of a channel has come. */
  opened(shard: number): void {
    this.#at(shard).channels += 1;
    this.#reconcile();
  }

  /** The last local subscriber of a channel has left. */
  closed(shard: number): void {
    this.#at(shard).channels -= 1;
    this.#linger(shard);
  }

  /** Every shard with a local subscriber is confirmed. */
  get complete(): boolean {
    return this.#shards.every(({ channels, confirmed }) => confirmed || channels === 0);
  }

  confirmed(shard: number): boolean {
    return this.#at(shard).confirmed;
  }

  /** Wants a shard for somebody who is about to subscribe. Resolves with whether it was confirmed within `timeoutMs`. */
  whenConfirmed(shard: number, timeoutMs: number): Promise<boolean> {
    const { waiting, confirmed } = this.#at(shard);
    this.#linger(shard);
    if (confirmed) return Promise.resolve(true);
    this.#reconcile();
    return new Promise((resolve) => {
      const give = (confirmed: boolean) => {
        timer.cancel();
        resolve(confirmed);
      };
      const confirm = () => give(true);
      const timer = this.#options.clock.after(timeoutMs, () => {
        waiting.splice(waiting.indexOf(confirm), 1);
        give(false);
      });
      waiting.push(confirm);
    });
  }

  /** Redis can be asked: everything that is wanted is subscribed. */
  connected(): void {
    this.#connection = { busy: false };
    this.#reconcile();
  }

  /** The connection is gone, and every subscription with it. */
  lost(): void {
    this.#connection = null;
    this.#shards.forEach((state, shard) => {
      if (state.confirmed) this.#set(shard, false);
    });
  }

  stop(): void {
    this.#timer.cancel();
    this.#connection = null;
  }

  #reconcile(): void {
    const connection = this.#connection;
    if (connection !== null && !connection.busy) void this.#run(connection);
  }

  async #run(connection: Connection): Promise<void> {
    connection.busy = true;
    try {
      while (connection === this.#connection) {
        const missing = this.#select((state) => !state.confirmed && this.#wanted(state));
        const surplus = this.#select((state) => state.confirmed && !this.#wanted(state));
        if (missing.length > 0) {
          await this.#options.subscribe(missing);
          // While the answer was under way the connection may have been lost; then nothing is confirmed.
          if (connection === this.#connection) for (const shard of missing) this.#set(shard, true);
        } else if (surplus.length > 0) {
          for (const shard of surplus) this.#set(shard, false);
          await this.#options.unsubscribe(surplus);
        } else return;
      }
    } catch {
      // The connection reports its own failure; `connected` starts anew.
    } finally {
      // Here and not in a later microtask: whoever asks in between would be overheard.
      connection.busy = false;
    }
  }

  #set(shard: number, confirmed: boolean): void {
    const state = this.#at(shard);
    state.confirmed = confirmed;
    this.#options.onChange(shard, confirmed);
    if (confirmed) for (const resume of state.waiting.splice(0)) resume();
  }

  #linger(shard: number): void {
    this.#at(shard).lingersUntil = this.#options.clock.now() + this.#options.lingerMs;
  }

  #wanted(state: Shard): boolean {
    return state.channels > 0 || state.lingersUntil > this.#options.clock.now();
  }

  #select(fits: (state: Shard) => boolean): number[] {
    const found: number[] = [];
    for (let shard = 0; shard < this.#shards.length && found.length < batchSize; shard += 1)
      if (fits(this.#at(shard))) found.push(shard);
    return found;
  }

  #at(shard: number): Shard {
    const state = this.#shards[shard];
    if (state === undefined) throw new RangeError(`there is no shard ${shard}`);
    return state;
  }
}
