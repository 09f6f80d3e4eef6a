/**
 * What a program holds of a channel that it has joined: events, or a `for await` loop, or both.
 */
import type { Admission, Values } from './channel.ts';
import { Cursor, type Hole } from './cursor.ts';
import { Emitter } from './emitter.ts';
import { Inbox } from './inbox.ts';
import { OutcryError } from './outcry-error.ts';
import { type Position, type Wish, wishOf } from './position.ts';
import type { Publication } from './publication.ts';

/** Publications that may wait for one `for await` loop. */
const defaultMaxWaiting = 1_024;

/** Of `since` and `last` at most one. Channels without a history have neither. */
export interface SubscriptionOptions extends Wish {
  /** Publications that may wait for a `for await` loop before it ends with the error `overflow`; 1,024 by default. */
  maxWaiting?: number;
}

/** Publications may be missing here: those before the event and those after it are not next to each other. */
export interface Gap {
  channel: string;
  /**
   * - `reconnect`: the connection was away; how much is missing is not known
   * - `epoch_changed`, `not_kept`: the history does not have what was missed, or not all of it
   * - `ahead`, `interrupted`, `too_much`, `no_history`: it was asked for, and there is nothing to be had
   * - `conflated`: this client was too slow to get everything; the latest values have taken its place
   * - `lost`: so many are missing between this node and this client. With a history they are asked for: what follows is an
   *   event `subscribed`
   * - `unreadable`: one came in a form that this version does not know
   * - `bridge`, `bridge_away`: publications of other nodes may not have reached this node
   *
   * Newer nodes may know more.
   */
  reason: GapReason | (string & {});
  /** How many publications; null if nobody knows. */
  missed: number | null;
}

export type GapReason =
  | 'reconnect'
  | 'lost'
  | 'unreadable'
  | 'bridge'
  | 'bridge_away'
  | 'conflated'
  | 'epoch_changed'
  | 'not_kept'
  | 'ahead'
  | 'interrupted'
  | 'too_much'
  | 'no_history';

export interface Subscribed {
  channel: string;
  /** Publications of other nodes do not reach this one for now. */
  degraded: boolean;
  /** True: everything that was missed follows. False: not so, and a `gap` has told it. Null: nothing to carry on from. */
  recovered: boolean | null;
  /** Why not; null if it was, or if the node has given none. */
  reason: string | null;
}

export interface StateReplaced {
  channel: string;
  /** That of the gap before it; null if there was none. */
  reason: GapReason | (string & {}) | null;
}

export interface SubscriptionEvents<T> {
  /** `subscription.state` is another one altogether, after a gap or for the first time. */
  state: StateReplaced;
  publication: Publication<T>;
  gap: Gap;
  /** Joined, for the first time or again. */
  subscribed: Subscribed;
  /** The node refused it. If the error is not `retryable`, the subscription has ended. */
  error: OutcryError;
}

export class Subscription<T = unknown> implements AsyncIterable<Publication<T>> {
  readonly channel: string;
  /** @internal */
  readonly cursor: Cursor;
  readonly #events = new Emitter<SubscriptionEvents<T>>();
  readonly #inboxes = new Set<Inbox<Publication<T>>>();
  readonly #maxWaiting: number;
  readonly #leave: (subscription: Subscription<T>) => void;
  /** What came before anybody listened. The first loop gets it; whoever listens for events does without. */
  #early: Inbox<Publication<T>> | null;
  readonly #state = new Map<string, Publication<T>>();
  /** @internal As `state`; null if the channel keeps no latest values, undefined while it lacks what was there before. */
  values: Values | null | undefined;
  /** Offset at which the state was taken as a whole: what is older and comes later is in there already. */
  #stateOffset = 0;
  #status: 'joining' | 'joined' | 'ended' = 'joining';
  #endedBy: OutcryError | null = null;
  #waiting: { resolve(): void; reject(error: OutcryError): void }[] = [];

  /** @internal Programs call `client.subscribe`. */
  constructor(
    channel: string,
    { maxWaiting = defaultMaxWaiting, ...wish }: SubscriptionOptions,
    leave: (subscription: Subscription<T>) => void,
  ) {
    this.channel = channel;
    this.cursor = new Cursor(wishOf(wish));
    this.#maxWaiting = maxWaiting;
    this.#leave = leave;
    this.#early = this.#newInbox();
  }

  /** `joined`: publications arrive. `joining`: not yet, or not now. `ended`: never again. */
  get status(): 'joining' | 'joined' | 'ended' {
    return this.#status;
  }

  /**
   * The latest value of each key, in a channel that keeps them; else empty. It is always the same map, and changes with what
   * arrives: a handler of a publication finds it in there. It stays while the connection is away.
   */
  get state(): ReadonlyMap<string, Publication<T>> {
    return this.#state;
  }

  /**
   * Where the events stand: within a handler that of the publication in hand, so that `subscribe(channel, { since })` with it
   * carries on behind it. A loop may be behind that: it stores `epoch` and `offset` of the publication that it has dealt with.
   * Null in a channel without a history, and while it is not known.
   */
  get position(): Position | null {
    return this.cursor.position;
  }

  /** Calls `listener` with each such event from now on. Returns what ends that. */
  on<Name extends keyof SubscriptionEvents<T>>(
    name: Name,
    listener: (event: SubscriptionEvents<T>[Name]) => void,
  ): () => void {
    if (name === 'publication') this.#dropEarly();
    return this.#events.on(name, listener);
  }

  /** Resolves when the channel is joined; rejects when it is refused for good, left, or the client is closed. */
  ready(): Promise<void> {
    if (this.#status === 'joined') return Promise.resolve();
    if (this.#status === 'ended') return Promise.reject(this.#endedBy ?? left());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Leaves the channel; loops end. Another subscription to the same channel stays. */
  unsubscribe(): void {
    this.end(null);
  }

  /**
   * The publications from here on, or from `subscribe` on if nobody has listened before. Several loops get all of them
   * each. A loop that falls too far behind ends with the error `overflow`; one whose channel is refused, with that error.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Publication<T>> {
    const inbox = this.#early ?? this.#newInbox();
    this.#early = null;
    if (this.#status === 'ended') inbox.end(this.#endedBy);
    return inbox;
  }

  /** @internal */
  joined(admission: Admission, hole: Hole | null, values: Values | null, offset = 0): void {
    this.#status = 'joined';
    if (hole !== null) this.gap(hole);
    if (values !== null) this.#fill(values, offset);
    else if (admission.recovered !== true) this.values = null;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    this.#events.emit('subscribed', { channel: this.channel, ...admission });
    if (values !== null) this.#tellState(hole?.reason ?? null);
  }

  /** @internal */
  replace(values: Values, reason: string, offset: number): void {
    this.#fill(values, offset);
    this.#tellState(reason);
  }

  /** @internal Nothing comes until it has joined again. */
  lost(): void {
    if (this.#status === 'joined') this.#status = 'joining';
  }

  /** @internal */
  deliver(publication: Publication<T>): void {
    const { key, deleted, offset } = publication;
    if (key !== null && (offset ?? 0) > this.#stateOffset) {
      if (deleted) this.#state.delete(key);
      else this.#state.set(key, publication);
    }
    for (const inbox of this.#inboxes) inbox.put(publication, publication.sequence === 0);
    this.#events.emit('publication', publication);
  }

  /** @internal */
  gap(hole: Hole): void {
    this.#events.emit('gap', { channel: this.channel, ...hole });
  }

  /** @internal @returns false if nobody listens */
  refused(error: OutcryError): boolean {
    const heard = this.#events.has('error') || this.#waiting.length > 0 || this.#hasLoop;
    this.#events.emit('error', error);
    if (!error.retryable) this.end(error);
    return heard;
  }

  /** @internal */
  end(error: OutcryError | null): void {
    if (this.#status === 'ended') return;
    this.#status = 'ended';
    this.#endedBy = error;
    for (const inbox of [...this.#inboxes]) inbox.end(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error ?? left());
    this.#leave(this);
  }

  #fill(values: Values, offset: number): void {
    this.#stateOffset = offset;
    this.#state.clear();
    for (const [key, value] of values) this.#state.set(key, value as Publication<T>);
    this.values = this.#state;
  }

  #tellState(reason: string | null): void {
    this.#events.emit('state', { channel: this.channel, reason });
  }

  get #hasLoop(): boolean {
    return this.#inboxes.size > (this.#early === null ? 0 : 1);
  }

  #newInbox(): Inbox<Publication<T>> {
    const inbox = new Inbox<Publication<T>>(this.#maxWaiting, (done) => this.#inboxes.delete(done));
    this.#inboxes.add(inbox);
    return inbox;
  }

  #dropEarly(): void {
    if (this.#early === null) return;
    this.#inboxes.delete(this.#early);
    this.#early = null;
  }
}

function left(): OutcryError {
  return OutcryError.of('closed', 'the channel was left');
}
