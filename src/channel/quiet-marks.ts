/**
 * Notices when a channel falls quiet after a publication that somebody may not have got, so that the loss of the last
 * ones is seen too: what is missing is noticed by the next number, and a quiet channel has no next one.
 *
 * One timer serves all channels, and only runs while one of them waits for a mark. A channel is marked after about one
 * second without a publication and again after about five.
 */
import type { Clock, Timer } from '../clock.ts';

const tickMs = 500;
const firstMarkTicks = 2;
const lastMarkTicks = 10;

/** Kept on the channel itself, so that a publication costs no lookup. */
export interface Markable {
  /** The tick of its last publication. */
  publishedAtTick: number;
}

export class QuietMarks<Channel extends Markable> {
  readonly #clock: Clock;
  readonly #mark: (channel: Channel) => void;
  readonly #waiting = new Set<Channel>();
  #tick = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, mark: (channel: Channel) => void) {
    this.#clock = clock;
    this.#mark = mark;
  }

  /** A publication of this channel may not have reached everybody. */
  published(channel: Channel): void {
    channel.publishedAtTick = this.#tick;
    this.#waiting.add(channel);
    this.#timer ??= this.#clock.every(tickMs, () => this.#look());
  }

  /** The channel is gone. */
  forget(channel: Channel): void {
    this.#waiting.delete(channel);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting.clear();
  }

  #look(): void {
    this.#tick += 1;
    for (const channel of this.#waiting) {
      const quietTicks = this.#tick - channel.publishedAtTick;
      if (quietTicks >= lastMarkTicks) this.#waiting.delete(channel);
      if (quietTicks === firstMarkTicks || quietTicks >= lastMarkTicks) this.#mark(channel);
    }
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
