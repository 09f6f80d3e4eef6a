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
 *
 * A channel may keep the latest value of each key. Whoever joins gets a snapshot of them, and has joined when all of it is
 * here; the node may also send one unasked, instead of what it cannot send one by one any more.
 */
import { ArrivingSnapshot, type Purpose } from './arriving-snapshot.ts';
import type { Clock } from './clock.ts';
import { Cursor, type Hole } from './cursor.ts';
import { Healing } from './healing.ts';
import type { NodeClock } from './node-clock.ts';
import type { OutcryError } from './outcry-error.ts';
import { type Position, sameWish, type Wish } from './position.ts';
import { Publication } from './publication.ts';
import type { Batch, Joined, Message } from './wire.ts';

/** What a node said when a channel was joined. */
export type Admission = Pick<Joined, 'degraded' | 'recovered' | 'reason'>;

/** By their keys. */
export type Values = ReadonlyMap<string, Publication>;

/** A subscription of the program, whatever it expects the payloads to be. */
export interface Subscriber {
  readonly channel: string;
  readonly status: 'joining' | 'joined' | 'ended';
  readonly cursor: Cursor;
  /** The latest values; null if the channel keeps none, undefined if some of them may not be here. */
  readonly values: Values | null | undefined;
  /**
   * @param hole what is missing before that which follows
   * @param values of a snapshot; null if there was none
   * @param offset at which it was taken
   */
  joined(admission: Admission, hole: Hole | null, values: Values | null, offset?: number): void;
  /** A snapshot takes the place of what it had. */
  replace(values: Values, reason: string, offset: number): void;
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
  #arriving: ArrivingSnapshot | null = null;

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
        if (this.#live === null || subscriber.status !== 'joining') return;
        const { edge, degraded } = this.#live;
        const model = this.#upToDate(edge);
        if (model === undefined) return this.#options.ask(this);
        subscriber.cursor.follow(edge);
        const admission = { degraded, recovered: null, reason: null };
        subscriber.joined(admission, null, model.values ?? null, edge.position?.offset);
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
    const { degraded, position, snapshot: count } = answer;
    if (this.#live === null) {
      const edge = new Cursor(null);
      edge.join(answer);
      this.#live = { edge, degraded };
    } else this.#live.degraded = degraded;
    if (count === null) return this.#admit(answer, null);
    this.#await({ answer, position, count, reason: null });
    return false;
  }

  /** Those in whose name it was asked join, and whoever wishes for nothing, if nothing is missing for him. */
  #admit(answer: Joined, values: Values | null, flaw: Hole | null = null): boolean {
    const { degraded, recovered, reason, position } = answer;
    this.requestId = null;
    const audience = this.#audience;
    this.#audience = new Set();
    let later = false;
    for (const subscriber of this.#joining) {
      const { cursor } = subscriber;
      if (subscriber.status !== 'joining') continue; // Left by a handler of another one.
      // With what another one has missed comes no snapshot.
      if (!audience.has(subscriber) && (cursor.wish !== null || recovered === true)) continue;
      const asked = cursor.wish?.since !== undefined;
      if (asked && recovered !== true && reason === 'unavailable') {
        // Behind the others: what one asks for may be had while what another one asks for may not.
        this.#subscribers.delete(subscriber);
        this.#subscribers.add(subscriber);
        later = true;
        continue;
      }
      const hole = cursor.join(answer) ?? flaw;
      const admission = {
        degraded,
        recovered: asked ? recovered === true : null,
        reason: asked ? reason : null,
      };
      subscriber.joined(admission, hole, values, position?.offset);
    }
    if (position !== null) {
      this.#live?.edge.learn(position.epoch);
      for (const { cursor } of this.#subscribers) cursor.learn(position.epoch);
    }
    if (!later) this.#askMore();
    return later;
  }

  /** @returns whether that changes anything */
  degrade(): boolean {
    if (this.#live === null || this.#live.degraded) return false;
    this.#live.degraded = true;
    return true;
  }

  /** The connection ended. */
  lost(): void {
    this.requestId = null;
    this.asked = false;
    this.#live = null;
    this.#arriving = null;
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
    const { length } = batch.publications;
    if (this.#arriving !== null && batch.sequence === 0 && length > 0) {
      this.#gather(this.#arriving, batch);
      return;
    }
    const { missed, seen } = edge.take(batch);
    edge.pass(missed + length - seen);
    let heals: boolean | null = null;
    const mayHeal = () => {
      heals ??= this.#healing.begin();
      return heals;
    };
    for (const subscriber of this.#subscribers)
      if (subscriber.status === 'joined') this.#hand(subscriber, batch, mayHeal);
    if (heals || (edge.nameless && mayHeal())) this.#options.ask(this);
  }

  /** The node sends a snapshot unasked. One that was arriving will not be completed; its audience gets this one. */
  snapshot({ reason, position, count }: Extract<Message, { type: 'snapshot' }>): void {
    if (this.#live === null) return;
    this.#await({ answer: this.#arriving?.purpose.answer ?? null, position, count, reason });
  }

  #await(purpose: Purpose): void {
    const arriving = new ArrivingSnapshot(purpose);
    this.#arriving = arriving;
    if (arriving.complete) this.#arrived(arriving);
  }

  #gather(arriving: ArrivingSnapshot, batch: Batch): void {
    if (batch.offset !== null) arriving.held.push(batch);
    else for (const index of batch.publications.keys()) arriving.add(this.#publication(batch, index, null));
    if (arriving.complete) this.#arrived(arriving);
  }

  #arrived({ purpose: { answer, position, reason }, values, held, unreadable }: ArrivingSnapshot): void {
    this.#arriving = null;
    // What else was to come with the answer does not, or not all of it can be read.
    const flaw =
      reason === null && unreadable === 0 ? null : { reason: reason ?? 'unreadable', missed: null };
    if (reason !== null) this.gap(reason, position, values);
    if (answer !== null) this.#admit({ ...answer, position }, values, flaw);
    for (const batch of held) this.batch(batch);
  }

  /**
   * @param position behind which the next publication is; null if there is no history
   * @param values how the channel is there, if the node has sent it
   * @returns whether other nodes were out of reach, and are not any more
   */
  gap(reason: string, position: Position | null, values: Values | null = null): boolean {
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
      if (subscriber.status !== 'joined') continue;
      const missed = position === null ? null : subscriber.cursor.jump(position);
      subscriber.gap({ reason, missed });
      if (values !== null) subscriber.replace(values, reason, position?.offset ?? 0);
    }
    return restored;
  }

  end(error: OutcryError | null): void {
    for (const subscriber of [...this.#subscribers]) subscriber.end(error);
  }

  /** Whoever wished for something else than was asked is next. */
  #askMore(): void {
    if (this.#joining.length > 0) this.#options.ask(this);
  }

  /** One who has all that was live so far, and nothing in front of it. */
  #upToDate(edge: Cursor): Subscriber | undefined {
    return [...this.#subscribers].find(
      ({ status, cursor, values }) =>
        status === 'joined' && values !== undefined && cursor.position?.offset === edge.position?.offset,
    );
  }

  get #joining(): Subscriber[] {
    return [...this.#subscribers].filter(({ status }) => status === 'joining');
  }

  /** Gives a subscriber what of a batch is new to it. */
  #hand(subscriber: Subscriber, batch: Batch, mayHeal: () => boolean): void {
    const { cursor } = subscriber;
    const { length } = batch.publications;
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
    for (let index = seen; index < length; index += 1) {
      if (subscriber.status !== 'joined') return; // Left by a handler of its own.
      cursor.pass(1);
      const publication = this.#publication(batch, index, cursor.epoch);
      if (publication === null) subscriber.gap({ reason: 'unreadable', missed: 1 });
      else subscriber.deliver(publication);
    }
  }

  /** @returns null for one in a form that is not known here */
  #publication(
    { sequence, offset, time, publications }: Batch,
    index: number,
    epoch: string | null,
  ): Publication | null {
    const incoming = publications[index] ?? null;
    const back = publications.length - 1 - index;
    return (
      incoming &&
      new Publication(this.name, incoming, {
        sequence: sequence === 0 ? 0 : sequence - back,
        epoch: offset === null ? null : epoch,
        offset: offset === null ? null : offset - back,
        time,
        nodeClock: this.#options.nodeClock,
      })
    );
  }
}
