/**
 * A channel as this client takes part in it: who listens here, what the node is asked for them, and what of its answers and
 * batches is whose.
 *
 * Subscriptions of one channel may wish for different parts of its history. The node is asked one question at a time, and
 * what comes from the history is for those in whose name it was asked (the audience). The others wait for a question of
 * their own, or, if they wish for nothing, join with the first answer. What is live is for all who have joined.
 *
 * When an offset shows a hole, the subscriptions that have it are told and fall back to joining: what they miss is asked for,
 * and what is live waits in the history until they get it in order. See `healing.ts` for how often.
 */
import type { Clock } from './clock.ts';
import { Cursor, type Hole } from './cursor.ts';
import { Healing } from './healing.ts';
import type { NodeClock } from './node-clock.ts';
import type { OutcryError } from './outcry-error.ts';
import { type Position, sameWish, type Wish } from './position.ts';
import { Publication } from './publication.ts';
import type { Batch, Joined } from './wire.ts';

/** What a node said when a channel was joined. */
export type Admission = Pick<Joined, 'degraded' | 'recovered' | 'reason'>;

/** A subscription of the program, whatever it expects the payloads to be. */
export interface Subscriber {
  readonly channel: string;
  readonly state: 'joining' | 'joined' | 'ended';
  readonly cursor: Cursor;
  /** @param hole what is missing before that which follows */
  joined(admission: Admission, hole: Hole | null): void;
  /** Nothing comes until it has joined again. */
  lost(): void;
  deliver(publication: Publication): void;
  gap(hole: Hole): void;
  /** Returns false if nobody listens. */
  refused(error: OutcryError): boolean;
  end(error: OutcryError | null): void;
}

export interface ChannelOptions {
  clock: Clock;
  nodeClock: NodeClock;
  /** The channel has another question for the node. */
  ask: (channel: Channel) => void;
}

export class Channel {
  readonly name: string;
  /** The subscribe command that has not been answered yet; an answer to an older one does not count. */
  requestId: number | null = null;
  /** The node knows of it, or will in a moment. */
  asked = false;
  readonly #options: ChannelOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #healing: Healing;
  #audience: ReadonlySet<Subscriber> = new Set();
  /** What is live, for those who come later; null while it is not joined. */
  #live: { edge: Cursor; degraded: boolean } | null = null;

  constructor(name: string, options: ChannelOptions) {
    this.name = name;
    this.#options = options;
    this.#healing = new Healing(options.clock);
  }

  get empty(): boolean {
    return this.#subscribers.size === 0;
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    if (this.#live === null) return;
    if (subscriber.cursor.wish !== null) this.#options.ask(this);
    // Told when the running code is through, so that it can listen first.
    else
      queueMicrotask(() => {
        if (this.#live === null || subscriber.state !== 'joining') return;
        const { edge, degraded } = this.#live;
        subscriber.cursor.follow(edge);
        subscriber.joined({ degraded, recovered: null, reason: null }, null);
      });
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** The next question, which now waits for its answer. */
  question(): Wish | null {
    const [first, ...others] = this.#joining;
    const wish = first?.cursor.wish ?? null;
    const same = others.filter(({ cursor }) => sameWish(cursor.wish, wish));
    this.#audience = new Set(first === undefined ? [] : [first, ...same]);
    return wish;
  }

  /**
   * The node has answered the question.
   *
   * @returns true if it cannot ask the history now: whoever asked stays where he is, and is to ask again a little later
   */
  joined(answer: Joined): boolean {
    const { degraded, recovered, reason, position } = answer;
    this.requestId = null;
    if (this.#live === null) {
      const edge = new Cursor(null);
      edge.join(answer);
      this.#live = { edge, degraded };
    } else this.#live.degraded = degraded;
    const audience = this.#audience;
    this.#audience = new Set();
    let later = false;
    for (const subscriber of this.#joining) {
      const { cursor } = subscriber;
      if (subscriber.state !== 'joining') continue; // Left by a handler of another one.
      if (!audience.has(subscriber) && cursor.wish !== null) continue;
      const asked = cursor.wish?.since !== undefined;
      if (asked && recovered !== true && reason === 'unavailable') {
        // Behind the others: what one asks for may be had while what another one asks for may not.
        this.#subscribers.delete(subscriber);
        this.#subscribers.add(subscriber);
        later = true;
        continue;
      }
      const admission = asked ? { recovered: recovered === true, reason } : { recovered: null, reason: null };
      const hole = cursor.join(answer);
      subscriber.joined({ degraded, ...admission }, hole);
    }
    if (position !== null) this.#everyCursor((cursor) => cursor.learn(position.epoch));
    if (!later) this.#askMore();
    return later;
  }

  /** The connection ended. */
  lost(): void {
    this.requestId = null;
    this.asked = false;
    this.#live = null;
    for (const subscriber of this.#subscribers) subscriber.lost();
  }

  /** @returns false if none of the subscribers that it concerns has anybody who hears of it */
  refused(error: OutcryError): boolean {
    this.requestId = null;
    this.asked = this.#live !== null;
    // In a channel that was joined it is the question that is refused: whoever asks another one goes on.
    const concerned = this.#joining.filter((each) => this.#live === null || this.#audience.has(each));
    this.#audience = new Set();
    const heard = concerned.map((subscriber) => subscriber.refused(error)).includes(true);
    // For now is for all; whoever asked in vain asks again later.
    if (!error.retryable) this.#askMore();
    return heard;
  }

  batch(batch: Batch): void {
    if (this.#live === null) return; // Left and joined again: what comes before the answer belongs to the past.
    const { edge } = this.#live;
    const { missed, seen } = edge.take(batch);
    edge.pass(missed + batch.publications.length - seen);
    let heals: boolean | null = null;
    const mayHeal = () => {
      heals ??= this.#healing.begin();
      return heals;
    };
    for (const subscriber of this.#subscribers)
      if (subscriber.state === 'joined') this.#hand(subscriber, batch, mayHeal);
    if (heals || (edge.nameless && mayHeal())) this.#options.ask(this);
  }

  /**
   * @param position behind which the next publication is; null if there is no history
   * @returns whether other nodes were out of reach, and are not any more
   */
  gap(reason: string, position: Position | null): boolean {
    if (this.#live === null) return false;
    const restored = this.#live.degraded && (reason === 'bridge_away' || reason === 'healed');
    if (restored) this.#live.degraded = false;
    // Nothing is missing: whatever was, has come before.
    const missing = reason !== 'healed';
    if (position !== null) {
      if (missing) this.#live.edge.jump(position);
      // It can be asked again.
      this.#askMore();
    }
    if (!missing) return restored;
    for (const subscriber of this.#subscribers) {
      if (subscriber.state !== 'joined') continue;
      const missed = position === null ? null : subscriber.cursor.jump(position);
      subscriber.gap({ reason, missed });
    }
    return restored;
  }

  end(error: OutcryError | null): void {
    for (const subscriber of [...this.#subscribers]) subscriber.end(error);
  }

  /** Whoever wished for something else than was asked is next. */
  #askMore(): void {
    if (this.#joining.some(({ cursor }) => cursor.wish !== null)) this.#options.ask(this);
  }

  get #joining(): Subscriber[] {
    return [...this.#subscribers].filter(({ state }) => state === 'joining');
  }

  /** Gives a subscriber what of a batch is new to it. */
  #hand(subscriber: Subscriber, batch: Batch, mayHeal: () => boolean): void {
    const { sequence, offset, time, publications } = batch;
    const { cursor } = subscriber;
    const { missed, seen } = cursor.take(batch);
    if (missed > 0) {
      const heals = cursor.position !== null && mayHeal();
      if (!heals) cursor.pass(missed);
      subscriber.gap({ reason: 'lost', missed });
      if (heals) {
        subscriber.lost();
        return;
      }
    }
    const before = publications.length - 1;
    for (let index = seen; index < publications.length; index += 1) {
      if (subscriber.state !== 'joined') return; // Left by a handler of its own.
      cursor.pass(1);
      const incoming = publications[index] ?? null;
      if (incoming === null) subscriber.gap({ reason: 'unreadable', missed: 1 });
      else
        subscriber.deliver(
          new Publication(this.name, incoming.data, incoming.kind, {
            sequence: sequence === 0 ? 0 : sequence - before + index,
            epoch: offset === null ? null : cursor.epoch,
            offset: offset === null ? null : offset - before + index,
            time,
            nodeClock: this.#options.nodeClock,
          }),
        );
    }
  }

  #everyCursor(run: (cursor: Cursor) => void): void {
    if (this.#live !== null) run(this.#live.edge);
    for (const { cursor } of this.#subscribers) run(cursor);
  }
}
