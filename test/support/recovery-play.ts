/**
 * A course of events between a client and a node that is a model: connections that end anywhere, subscriptions that come and go
 * with wishes of their own, and ways that lose, repeat and swap. A ledger per subscription says whether a publication came
 * twice, too late, from nowhere, or was missing without a word; and whether the latest values are what they should be.
 */
import { expect } from 'vitest';
import type { Position } from '../../src/client/position.ts';
import type { Subscription, SubscriptionOptions } from '../../src/client/subscription.ts';
import { settled, World } from './client-world.ts';
import type { FakeWebSocket } from './fake-web-socket.ts';
import {
  HistoryModel,
  type HistoryModelOptions,
  type HistorySession,
  type Payload,
} from './history-model.ts';

type Message = Record<string, unknown>;

/** Everything that was ever published in a channel, by epoch and offset. */
class Chronology {
  readonly #payloads = new Map<string, Payload[]>();

  add({ epoch }: Position, payload: Payload): void {
    const payloads = this.#payloads.get(epoch) ?? [];
    this.#payloads.set(epoch, payloads);
    payloads.push(payload);
  }

  /** The latest text of each key at a position. */
  latestAt({ epoch, offset }: Position): string {
    const latest = new Map<string, string | undefined>();
    for (const { key, deleted, text } of this.#payloads.get(epoch)?.slice(0, offset) ?? []) {
      if (key === undefined) continue;
      if (deleted) latest.delete(key);
      else latest.set(key, text);
    }
    return sorted([...latest]);
  }
}

function sorted(values: readonly (readonly [key: string, text: string | undefined])[]): string {
  return JSON.stringify(values.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** What one subscription heard, against what it should have. */
class Ledger {
  readonly flaws: string[] = [];
  readonly #subscription: Subscription<string>;
  gaps = 0;
  /** Where it stands by what it heard; null while it may begin anywhere. */
  #at: Position | null;
  #told = false;
  /** How it was when the last snapshot had come; null before. */
  #snapshot: string | null = null;
  #recovered: boolean | null = null;
  readonly #chronology: Chronology;
  readonly #elsewhere: boolean;

  constructor(subscription: Subscription<string>, { since }: SubscriptionOptions, chronology: Chronology) {
    this.#chronology = chronology;
    this.#subscription = subscription;
    this.#at = since ?? null;
    this.#elsewhere = since !== undefined;
    subscription.on('gap', ({ reason }) => {
      // Asked for the last ones, answered, cut before any came: there is no place to carry on from.
      if (reason !== 'reconnect' || this.#at !== null) this.gaps += 1;
      this.#told = true;
    });
    subscription.on('state', () => {
      this.#snapshot = this.#state;
      if (subscription.position !== null) this.#compareState(subscription.position);
    });
    subscription.on('subscribed', ({ recovered }) => {
      this.#recovered = recovered;
      if (recovered === false && !this.#told) this.#flaw('not recovered, and no gap');
      // Whoever wishes for nothing begins where it has joined.
      if (recovered === null && this.#at === null) this.#at = subscription.position;
    });
    subscription.on('publication', ({ data, epoch, offset, deleted, sequence }) => {
      if (epoch === null || offset === null || data !== (deleted ? undefined : `${epoch}:${offset}`)) {
        this.#flaw(`${data} came as ${epoch}:${offset}`);
        return;
      }
      this.#deliver({ epoch, offset });
      // The last publications of a history are older than the snapshot that came with them.
      if (sequence !== 0 || this.#recovered) this.#compareState({ epoch, offset });
      else if (this.#snapshot !== null && this.#state !== this.#snapshot)
        this.#flaw(`the state went back to ${offset}`);
    });
  }

  /** Nothing more comes. */
  close(top: Position, latest: boolean): void {
    // Whoever carries on from elsewhere and misses nothing gets no snapshot.
    if (latest && !this.#elsewhere && this.#snapshot === null) this.#flaw('it has no state');
    const nothing = this.#at === null && top.offset === 0;
    if (!this.#told && !nothing && !isAt(this.#at, top)) this.#flaw('the end is missing');
    if (!isAt(this.#subscription.position, top)) this.#flaw('it believes to be elsewhere');
    this.#compareState(top);
  }

  #compareState(position: Position): void {
    if (this.#snapshot === null) return;
    const shouldBe = this.#chronology.latestAt(position);
    if (this.#state !== shouldBe)
      this.#flaw(`at ${position.offset} the state is ${this.#state}, not ${shouldBe}`);
  }

  get #state(): string {
    return sorted([...this.#subscription.state].map(([key, { data }]) => [key, data]));
  }

  #deliver(position: Position): void {
    const at = this.#at;
    if (at !== null && at.epoch === position.epoch && position.offset <= at.offset)
      this.#flaw(`${position.offset} came after ${at.offset}`);
    const follows = at === null || (at.epoch === position.epoch && position.offset === at.offset + 1);
    if (!follows && !this.#told) this.#flaw(`${at.offset} is followed by ${position.offset}`);
    if (!isAt(this.#subscription.position, position)) this.#flaw(`position at ${position.offset}`);
    this.#at = position;
    this.#told = false;
  }

  #flaw(what: string): void {
    this.flaws.push(what);
  }
}

function isAt(one: Position | null, other: Position): boolean {
  return one !== null && one.epoch === other.epoch && one.offset === other.offset;
}

/** Between a client and its node: what the node has said and the client has not heard yet. */
class Way {
  readonly socket: FakeWebSocket;
  readonly queue: Message[] = [];
  readonly #session: HistorySession;
  #heard = 0;

  constructor(socket: FakeWebSocket, model: HistoryModel) {
    this.socket = socket;
    this.#session = model.connect((message) => this.queue.push(message));
    socket.open();
  }

  /** What the client has said reaches the node. */
  up(): void {
    for (const message of this.socket.sent.slice(this.#heard)) this.#session.hear(message);
    this.#heard = this.socket.sent.length;
  }

  down(count: number): void {
    for (const message of this.queue.splice(0, count)) this.socket.receive(message);
  }

  cut(): void {
    this.#session.end();
    this.socket.end();
  }
}

class Play {
  readonly model: HistoryModel;
  readonly ledgers: Ledger[] = [];
  readonly #world = new World();
  readonly #chronology = new Chronology();
  readonly #subscriptions: Subscription<string>[] = [];
  #way: Way | null = null;
  #connections = 0;

  constructor(options: HistoryModelOptions) {
    this.model = new HistoryModel({ batchSize: 3, pingIntervalMs: 1_000_000_000, ...options });
  }

  get top(): Position {
    const { epoch, top } = this.model.of('chat');
    return { epoch, offset: top };
  }

  async connect(): Promise<void> {
    await settled();
    const { clock, network } = this.#world;
    while (network.sockets.length === this.#connections) clock.advance(100);
    this.#connections = network.sockets.length;
    this.#way = new Way(this.#world.socket, this.model);
    this.#way.up();
    // The welcome, so that what follows is about channels.
    this.#way.down(1);
  }

  async step([kind, number]: readonly [string, number]): Promise<void> {
    const way = this.#way as Way;
    const { queue } = way;
    if (kind === 'publish')
      for (let count = 0; count <= number % 5; count += 1) this.#publish(number + count);
    if (kind === 'hear') way.down(number);
    if (kind === 'cut') {
      way.cut();
      await this.connect();
    }
    if (kind === 'mark') this.model.mark('chat');
    if (kind === 'conflate') {
      // What the client has not taken yet is thrown away.
      queue.splice(0, queue.length, ...queue.filter((message) => !isBatch(message)));
      this.model.conflate('chat');
    }
    if (kind === 'forget') this.model.forget('chat');
    if (kind === 'subscribe') this.#subscribe(number);
    if (kind === 'leave') this.#subscriptions[number % 7]?.unsubscribe();
    if (kind === 'wait') this.#world.clock.advance(number * 500);
    const index = number % Math.max(1, queue.length);
    const [one, other] = [queue[index], queue[index + 1]];
    // How many publications answer to `last` only the node knows: what is lost of them, or late, nobody can notice.
    if (kind === 'lose' && isLive(one)) queue.splice(index, 1);
    if (kind === 'repeat' && isBatch(one)) queue.splice(index, 0, one);
    if (kind === 'swap' && isLive(one) && isLive(other)) queue.splice(index, 2, other, one);
    await settled();
    way.up();
  }

  /** Everything arrives, and nothing is lost any more. */
  async end(): Promise<void> {
    // Each may have a question of its own, and they are asked one after the other.
    for (let turn = 0; turn < this.#subscriptions.length + 5; turn += 1) {
      await this.step(['hear', 10_000]);
      await this.step(['wait', 200]);
      await this.step(['mark', 0]);
    }
    this.#subscriptions.forEach((subscription, index) => {
      if (subscription.status !== 'ended') this.ledgers[index]?.close(this.top, this.model.latest);
    });
  }

  #publish(number: number): void {
    const { epoch, offset } = this.top;
    const key = number % 4 === 0 || !this.model.latest ? {} : { key: `k${number % 7}` };
    const isDeletion = 'key' in key && number % 5 === 0;
    const payload = {
      ...key,
      ...(isDeletion ? { deleted: true } : { text: `${epoch}:${offset + 1}` }),
    };
    this.#chronology.add({ epoch, offset }, payload);
    this.model.publish('chat', payload);
  }

  #subscribe(number: number): void {
    const { epoch, offset } = this.top;
    const wishes = [
      {},
      { last: number % 13 },
      { since: { epoch, offset: Math.max(0, offset - (number % 5)) } },
    ];
    const wish: SubscriptionOptions = wishes[number % 3] ?? {};
    const subscription = this.#world.client.subscribe<string>('chat', wish);
    this.#subscriptions.push(subscription);
    this.ledgers.push(new Ledger(subscription, wish, this.#chronology));
  }
}

function isLive(message: Message | undefined): message is Message {
  return isBatch(message) && message.sequence !== 0;
}

function isBatch(message: Message | undefined): message is Message {
  return message?.type === 'batch';
}

export async function play(
  options: HistoryModelOptions,
  all: readonly (readonly [string, number])[],
): Promise<Ledger[]> {
  const game = new Play(options);
  await game.connect();
  await game.step(['subscribe', 0]);
  await game.step(['hear', 1]);
  for (const step of all) await game.step(step);
  await game.end();
  expect(game.ledgers.map(({ flaws }) => flaws)).toEqual(game.ledgers.map(() => []));
  return game.ledgers;
}
