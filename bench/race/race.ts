/**
 * The race: the same feed for both sides, in turns.
 *
 * Not at the same time: then each would have what the other left of the machine, and the one that falls behind would slow
 * down the one that does not. In its turn each has the machine, and the turn ends with its last delivery.
 */
import { Side, type Feed } from './side.ts';
import type { Running } from '../systems/running.ts';
import type { System } from '../systems/system.ts';
import type { Order, Phase, Standing } from './standing.ts';

const turnSeconds = 1;
/** In 5 s its channel carries 40 MB: more than bare Bun keeps for a slow subscriber. */
const pauseSeconds = 5;

export interface RaceOptions extends Feed {
  rate: number;
  left: System;
  right: System;
}

export class Race {
  readonly #left: Side;
  readonly #right: Side;
  readonly #feed: Feed;
  #rate: number;
  #phase: Phase = 'starting';
  #pauseOrdered = false;
  #ended = false;

  private constructor(left: Side, right: Side, { rate, clients, recordBytes }: RaceOptions) {
    this.#left = left;
    this.#right = right;
    this.#feed = { clients, recordBytes };
    this.#rate = rate;
  }

  /** Resolves when everybody is connected on both sides. */
  static async start(options: RaceOptions, running: Running): Promise<Race> {
    const { left, right } = options;
    const race = new Race(
      await Side.start(
        left,
        "Bun's own publish, default settings: it keeps up to 16 MB for a slow subscriber",
        options,
        running,
      ),
      await Side.start(
        right,
        'a node on Bun, default settings: it keeps up to 1 MiB for a slow subscriber',
        options,
        running,
      ),
      options,
    );
    running.add({ stop: async () => race.#end() });
    return race;
  }

  /** Until it is ended. */
  async run(): Promise<void> {
    const startedAt = performance.now();
    const order = [
      ['left', this.#left],
      ['right', this.#right],
    ] as const;
    for (let round = 0; !this.#ended; round += 1) {
      // The same for both, whatever is ordered meanwhile.
      const rate = this.#rate;
      for (const [phase, side] of round % 2 === 0 ? order : order.toReversed()) {
        if (this.#ended) return;
        this.#phase = phase;
        await side.turn(rate, turnSeconds, (performance.now() - startedAt) / 1_000);
      }
      if (this.#pauseOrdered && !this.#ended) await this.#pause();
    }
  }

  /** From the next round on. */
  take(order: Order): void {
    if (order.type === 'rate') this.#rate = order.rate;
    else this.#pauseOrdered = true;
  }

  standing(): Standing {
    return {
      ...{ phase: this.#phase, rate: this.#rate, ...this.#feed, turnSeconds, pauseSeconds },
      pauseOrdered: this.#pauseOrdered,
      left: this.#left.standing,
      right: this.#right.standing,
    };
  }

  async #pause(): Promise<void> {
    this.#phase = 'pausing';
    await Promise.all([this.#left.pauseReader(pauseSeconds), this.#right.pauseReader(pauseSeconds)]);
    this.#pauseOrdered = false;
  }

  #end(): void {
    this.#ended = true;
  }
}
