/**
 * The race: the same feed for both sides, in turns.
 *
 * Not at the same time: then each would have what the other left of the machine, and the one that falls behind would slow
 * down the one that does not. In its turn each has the machine, and the turn ends with its last delivery.
 */
import { Pair, type PairKind } from './pair.ts';
import { type Fed, type Feed, Side, type SideNames } from './side.ts';
import type { Running } from '../systems/running.ts';
import type { System } from '../systems/system.ts';
import type { Breakable, Order, Phase, Standing } from './standing.ts';

const turnSeconds = 1;
/** In 5 s its channel carries 40 MB: more than bare Bun keeps for a slow subscriber. */
const pauseSeconds = 5;

/** One second of all being well, two of something being away, and time to come back. */
const killSeconds = 7;

/** What runs on a side: one node, or a pair of them. */
export interface Lane extends SideNames {
  runs: { alone: System } | { pair: PairKind };
}

export interface RaceOptions extends Feed {
  rate: number;
  left: Lane;
  right: Lane;
  /** Why these are no pairs, in a sentence; null if they are. */
  whyNoPairs: string | null;
}

/** A side with what runs on it. */
interface Started {
  side: Side;
  /** Null if it is one node. */
  pair: Pair | null;
}

export class Race {
  readonly #left: Started;
  readonly #right: Started;
  readonly #whyNoPairs: string | null;
  readonly #feed: Feed;
  #rate: number;
  #phase: Phase = 'starting';
  #pauseOrdered = false;
  #killOrdered: Breakable | null = null;
  #killing = false;
  #ended = false;

  private constructor(
    left: Started,
    right: Started,
    { rate, clients, recordBytes, whyNoPairs }: RaceOptions,
  ) {
    this.#whyNoPairs = whyNoPairs;
    this.#left = left;
    this.#right = right;
    this.#feed = { clients, recordBytes };
    this.#rate = rate;
  }

  /** Resolves when everybody is connected on both sides. */
  static async start(options: RaceOptions, running: Running): Promise<Race> {
    const race = new Race(
      await startLane(options.left, options, running),
      await startLane(options.right, options, running),
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
      const inTurn = round % 2 === 0 ? order : order.toReversed();
      for (const [phase, { side }] of inTurn) {
        if (this.#ended) return;
        this.#phase = phase;
        await side.turn(rate, turnSeconds, (performance.now() - startedAt) / 1_000);
      }
      if (this.#pauseOrdered && !this.#ended) await this.#pause();
      if (this.#killOrdered !== null && !this.#ended) await this.#kill(this.#killOrdered, inTurn);
    }
  }

  /** From the next round on. */
  take(order: Order): void {
    if (order.type === 'rate') this.#rate = order.rate;
    else if (order.type === 'pause a reader') this.#pauseOrdered = true;
    else if (this.#whyNoPairs === null) this.#killOrdered = order.what;
  }

  standing(): Standing {
    return {
      ...{ phase: this.#phase, rate: this.#rate, ...this.#feed, turnSeconds, pauseSeconds },
      ...{ pauseOrdered: this.#pauseOrdered, killOrdered: this.#killOrdered, killing: this.#killing },
      ...{ killSeconds, whyNoKill: this.#whyNoPairs },
      left: this.#left.side.standing,
      right: this.#right.side.standing,
    };
  }

  async #pause(): Promise<void> {
    this.#phase = 'pausing';
    const sides = [this.#left.side, this.#right.side];
    await Promise.all(sides.map((side) => side.pauseReader(pauseSeconds)));
    this.#pauseOrdered = false;
  }

  /** On both sides, in turns. */
  async #kill(what: Breakable, inTurn: readonly (readonly ['left' | 'right', Started])[]): Promise<void> {
    this.#killing = true;
    // The same for both: the slider may have moved since the round began, and may move on.
    const rate = this.#rate;
    for (const [phase, { side, pair }] of inTurn) {
      if (this.#ended || pair === null) break;
      this.#phase = phase;
      await side.kill(what, pair, rate, killSeconds);
    }
    this.#killing = false;
    this.#killOrdered = null;
  }

  #end(): void {
    this.#ended = true;
  }
}

async function startLane({ name, what, runs }: Lane, feed: Feed, running: Running): Promise<Started> {
  const pair = 'pair' in runs ? await Pair.start(runs.pair, running) : null;
  const fed: Fed = 'pair' in runs ? (pair as Pair) : await runs.alone.start({ running });
  return { side: await Side.start(fed, { name, what }, feed, running), pair };
}
