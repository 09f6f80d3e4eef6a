/**
 * All channels of a client: which it wants, which it has asked the node for, and whose each message is.
 *
 * Changes are gathered until the running code is through, so a program that subscribes to a thousand channels in a loop
 * sends one command.
 */
import { maxChannelsPerCommand } from '../protocol/messages.ts';
import { Backoff } from './backoff.ts';
import { Channel, type Subscriber } from './channel.ts';
import type { Clock, Timer } from './clock.ts';
import type { NodeClock } from './node-clock.ts';
import { OutcryError } from './outcry-error.ts';
import { Subscription, type SubscriptionOptions } from './subscription.ts';
import type { Message, Request, Wanted } from './wire.ts';

/**
 * Names and epochs in one command, counted as if each character took three bytes. The first commands go out before the node has said
 * how large a message may be, so they must be small enough for any.
 */
const maxBytesPerCommand = 4_096;
/** What a wish takes beside its epoch. */
const wishBytes = 70;

export interface ChannelsOptions {
  clock: Clock;
  nodeClock: NodeClock;
  random: () => number;
  nextId: () => number;
  /** Only called between `opened` and `lost`. */
  send: (request: Request) => void;
  /** A refusal that nobody else hears. */
  onError: (error: OutcryError) => void;
}

export class Channels {
  readonly #options: ChannelsOptions;
  readonly #channels = new Map<string, Channel>();
  /** Channels that each unanswered subscribe command is about. */
  readonly #requests = new Map<number, Channel[]>();
  /** Names that each unanswered unsubscribe command is about. */
  readonly #farewells = new Map<number, string[]>();
  readonly #backoff: Backoff;
  #open = false;
  #toJoin = new Set<Channel>();
  #toLeave = new Set<string>();
  #planned = false;
  /** Less than the protocol allows when the node allows less per second. */
  #maxPerCommand = maxChannelsPerCommand;
  #retryTimer: Timer | null = null;

  constructor(options: ChannelsOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  /** @throws OutcryError `bad_request` for options that make no sense */
  add<T>(name: string, options: SubscriptionOptions): Subscription<T> {
    const subscription = new Subscription<T>(name, options, (ended) => this.#remove(ended));
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      const { clock, nodeClock } = this.#options;
      channel = new Channel(name, { clock, nodeClock, ask: (asking) => this.#ask(asking) });
      this.#channels.set(name, channel);
      this.#ask(channel);
    }
    channel.add(subscription);
    return subscription;
  }

  /** A connection takes commands: asks for everything, at once. */
  opened(): void {
    this.#open = true;
    this.#toJoin = new Set(this.#channels.values());
    this.#toLeave = new Set();
    this.#flush();
  }

  /** The connection ended. */
  lost(): void {
    this.#open = false;
    this.#requests.clear();
    this.#farewells.clear();
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    for (const channel of this.#channels.values()) channel.lost();
  }

  /** Nothing comes any more. Without an error loops just end. */
  end(error: OutcryError | null): void {
    this.lost();
    for (const channel of [...this.#channels.values()]) channel.end(error);
  }

  get(name: string): Channel | null {
    return this.#channels.get(name) ?? null;
  }

  /** @returns names of the channels that were joined while other nodes are out of reach */
  subscribed({ id, channels, refused }: Extract<Message, { type: 'subscribed' }>): string[] {
    this.#requests.delete(id);
    for (const { channel: name, code, message } of refused) {
      const channel = this.#channels.get(name);
      if (channel?.requestId === id) this.#refuse(channel, OutcryError.fromNode(code, `${name}: ${message}`));
    }
    const degradedNames: string[] = [];
    for (const answer of channels) {
      const channel = this.#channels.get(answer.channel);
      if (channel?.requestId !== id) continue;
      if (channel.joined(answer)) this.#askLater(channel);
      else this.#backoff.reset();
      if (answer.degraded) degradedNames.push(answer.channel);
    }
    return degradedNames;
  }

  /**
   * The node does not hear the others from now on.
   *
   * @param name of the channel in which; null for all
   * @returns names of the channels that are joined and were not degraded already
   */
  degraded(name: string | null): string[] {
    const concerned = [...this.#channels.values()].filter(
      (channel) => name === null || channel.name === name,
    );
    return concerned.filter((channel) => channel.degrade()).map((channel) => channel.name);
  }

  unsubscribed(id: number): void {
    this.#farewells.delete(id);
  }

  /** @returns false if the command was not ours */
  refused(id: number, error: OutcryError): boolean {
    const farewell = this.#farewells.get(id);
    if (farewell !== undefined) {
      this.#farewells.delete(id);
      // The node goes on sending what nobody wants. Taken again meanwhile, it is wanted.
      for (const name of farewell) if (!this.#channels.has(name)) this.#toLeave.add(name);
      this.#retryLater();
      return true;
    }
    const channels = this.#requests.get(id);
    this.#requests.delete(id);
    if (channels !== undefined && error.name === 'too_fast')
      this.#maxPerCommand = Math.max(1, Math.floor(channels.length / 2));
    for (const channel of channels ?? []) if (channel.requestId === id) this.#refuse(channel, error);
    return channels !== undefined;
  }

  #remove(subscriber: Subscriber): void {
    const channel = this.#channels.get(subscriber.channel);
    channel?.remove(subscriber);
    if (!channel?.empty) return;
    this.#channels.delete(channel.name);
    this.#toJoin.delete(channel);
    if (channel.asked) this.#toLeave.add(channel.name);
    this.#plan();
  }

  #refuse(channel: Channel, error: OutcryError): void {
    if (!channel.refused(error)) this.#options.onError(error);
    if (error.retryable && !channel.empty) this.#askLater(channel);
  }

  #askLater(channel: Channel): void {
    this.#toJoin.add(channel);
    this.#retryLater();
  }

  /** The channel has a question for the node. One that waits for an answer asks again by itself. */
  #ask(channel: Channel): void {
    if (channel.requestId !== null || this.#channels.get(channel.name) !== channel) return;
    this.#toJoin.add(channel);
    this.#plan();
  }

  #retryLater(): void {
    this.#retryTimer ??= this.#options.clock.after(this.#backoff.next(), () => {
      this.#retryTimer = null;
      this.#flush();
    });
  }

  #plan(): void {
    if (this.#planned || !this.#open) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open) return;
    const { nextId, send } = this.#options;
    // First what is left: it may be in both.
    const leaving = [...this.#toLeave].map((channel) => ({ channel, wish: null }));
    for (const portion of portions(leaving, this.#maxPerCommand)) {
      const id = nextId();
      const channels = portion.map(({ channel }) => channel);
      this.#farewells.set(id, channels);
      send({ type: 'unsubscribe', id, channels });
    }
    this.#toLeave.clear();
    const asking = [...this.#toJoin].map((channel) => ({ channel: channel.name, wish: channel.question() }));
    this.#toJoin.clear();
    for (const wanted of portions(asking, this.#maxPerCommand)) {
      const id = nextId();
      const channels = wanted.map(({ channel }) => this.#channels.get(channel) as Channel);
      for (const channel of channels) {
        channel.requestId = id;
        channel.asked = true;
      }
      this.#requests.set(id, channels);
      send({ type: 'subscribe', id, channels: wanted });
    }
  }
}

/** Cuts a list into what fits into one command each. */
function portions(list: readonly Wanted[], maxNames: number): Wanted[][] {
  const all: Wanted[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const wanted of list) {
    const portion = all.at(-1);
    const size = bytesOf(wanted);
    bytes += size;
    if (portion === undefined || portion.length === maxNames || bytes > maxBytesPerCommand) {
      all.push([wanted]);
      bytes = size;
    } else portion.push(wanted);
  }
  return all;
}

function bytesOf({ channel, wish }: Wanted): number {
  return channel.length * 3 + (wish === null ? 0 : wishBytes + (wish.since?.epoch.length ?? 0) * 3);
}
