/**
 * One place of Redis behind a relay: one connection that publishes, one that is subscribed and, where channels have a history,
 * one that runs its scripts, for all workers of the host.
 *
 * Whether they lead to the right server is watched by a bridge of the relay's own (`redis-upstreams.ts`), which has dialled
 * them: workers have a connection while that one has.
 *
 * **Siblings.** A frame of a worker goes to the other workers of the host at once, and to Redis; when it comes back from there it
 * is dropped, by the boot id in it. Beats and what a history hands out come from Redis alone: they prove that it works, or
 * have their offsets from it.
 */
import type { Clock } from '../clock.ts';
import { bootIdOf } from '../protocol/bridge-frame.ts';
import type { WireValue } from '../protocol/relay-frame.ts';
import type { BridgeState } from './bridge.ts';
import type { Broker, BrokerConnection, BrokerEvents, ServerIdentity } from './broker.ts';
import type { RedisScript } from './redis-connection.ts';
import type { HistoryConnection, RedisPlace } from './redis-place.ts';
import {
  type RelayUpstream,
  type RelayUpstreamEvents,
  refusal,
  type UpstreamRole,
} from './relay-upstream.ts';
import { type RelayedPlace, relayedPlace } from './relayed-place.ts';
import type { HistoryLink } from './served-history.ts';

/** An answer to who a server is may be so old; the workers all ask once a second. */
const identityHoldsMs = 500;
/** Workers whose frames are known when they come back; many more than there are, since each start is another one. */
const maxSiblings = 4_096;

export interface RedisUpstreamOptions {
  place: RedisPlace;
  /** Of the connection for scripts. */
  historyName: string;
  /** By their sha1. */
  scripts: ReadonlyMap<string, RedisScript>;
  /** The Redis channel is one of frames between nodes. */
  carriesFrames(channel: string): boolean;
  /** Bytes that each connection may be owed an answer for; over it, the connection is dropped. */
  maxBytesInFlight: number;
  clock: Pick<Clock, 'now'>;
  onTrouble(reason: string): void;
}

interface Asked {
  readonly at: number;
  readonly answer: Promise<ServerIdentity>;
}

export class RedisUpstream implements RelayUpstream {
  readonly place: RelayedPlace;
  /** For the bridge that watches: what it dials is for all workers. It dials for publishing first, then for subscribing. */
  readonly broker: Broker;
  readonly #options: RedisUpstreamOptions;
  readonly #siblings = new Set<string>();
  #events: RelayUpstreamEvents | null = null;
  #publisher: BrokerConnection | null = null;
  #subscriber: BrokerConnection | null = null;
  #history: HistoryConnection | null = null;
  #subscriberIdentity: ServerIdentity | null = null;
  #historyIdentity: ServerIdentity | null = null;
  #connected = false;
  #asked: Asked | null = null;

  constructor(options: RedisUpstreamOptions) {
    const { broker } = options.place;
    this.#options = options;
    this.place = relayedPlace(options.place);
    this.broker = {
      ...broker,
      dial: (name, events) => this.#dial(name, events),
    };
  }

  start(events: RelayUpstreamEvents): void {
    this.#events = events;
  }

  /** The bridge that watches has found this out. */
  watched(state: BridgeState): void {
    const connected = state === 'connected';
    if (connected === this.#connected) return;
    this.#connected = connected;
    this.#asked = null;
    // The workers will subscribe anew, and nobody would end what they do not want any more.
    if (!connected && this.#subscriber?.ready === true) this.#subscriber.reconnect();
    this.#events?.changed('bridge', connected ? '' : 'the relay has lost its Redis');
  }

  /** Dials for scripts. */
  openHistory(onLost: () => void): HistoryLink {
    const { place, historyName, onTrouble } = this.#options;
    const history = place.dialHistory(historyName, {
      onReady: (identity) => {
        this.#historyIdentity = identity;
        this.#events?.changed('history', '');
      },
      onLost: () => {
        this.#historyIdentity = null;
        this.#events?.changed('history', 'the connection of the history to Redis ended');
        onLost();
      },
      onError: onTrouble,
      onMessage() {},
    });
    this.#history = history;
    return {
      serverId: () => this.#historyIdentity?.runId ?? null,
      reconnect: () => history.reconnect(),
      end: () => history.end(),
    };
  }

  identity(role: UpstreamRole): ServerIdentity | null {
    if (role === 'history') return this.#historyIdentity;
    // Where the two lead to is compared by the bridge that watches.
    return this.#connected ? this.#subscriberIdentity : null;
  }

  async publish(channel: string, bytes: Buffer, from: string): Promise<void> {
    const publisher = this.#publisherNow();
    this.#mustFit(publisher, bytes.length);
    const answer = publisher.publish(channel, bytes);
    if (this.#options.carriesFrames(channel)) {
      this.#remember(from);
      this.#events?.message(channel, bytes, from);
    }
    await answer;
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.#subscriberNow().subscribe(channels);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    await this.#subscriberNow().unsubscribe(channels);
  }

  async identify(role: UpstreamRole): Promise<ServerIdentity> {
    if (role === 'history') return await this.#historyNow().identify();
    const publisher = this.#publisherNow();
    const now = this.#options.clock.now();
    if (this.#asked === null || now - this.#asked.at > identityHoldsMs) {
      this.#asked = { at: now, answer: publisher.identify() };
      this.#asked.answer.catch(() => {
        this.#asked = null;
      });
    }
    return await this.#asked.answer;
  }

  async settle(key: string, value: string): Promise<string> {
    return await this.#publisherNow().settle(key, value);
  }

  async run(sha1: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<WireValue> {
    const script = this.#options.scripts.get(sha1);
    if (script === undefined) throw refusal('an unknown script');
    const history = this.#historyNow();
    let bytes = 0;
    for (const arg of args) bytes += arg.length;
    this.#mustFit(history, bytes);
    // What Redis replies to scripts of ours is made of numbers, bytes and lists.
    return (await history.run(script, keys, args)) as WireValue;
  }

  async askHistory(): Promise<WireValue> {
    throw refusal('the history is in Redis');
  }

  /** A connection of the bridge that watches, which all workers use. */
  #dial(name: string, own: BrokerEvents): BrokerConnection {
    const isSubscriber = this.#publisher !== null;
    const connection = this.#options.place.broker.dial(name, {
      ...{ onError: own.onError, onLost: own.onLost },
      onReady: (identity) => {
        if (isSubscriber) this.#subscriberIdentity = identity;
        own.onReady(identity);
      },
      onMessage: (channel, bytes) => this.#message(channel, bytes, own),
    });
    if (isSubscriber) this.#subscriber = connection;
    else this.#publisher = connection;
    return connection;
  }

  #message(channel: string, bytes: Buffer, own: BrokerEvents): void {
    const { place, carriesFrames } = this.#options;
    if (channel === place.controlChannel) own.onMessage(channel, bytes);
    else if (carriesFrames(channel) && this.#siblings.has(bootIdOf(bytes) ?? '')) return;
    this.#events?.message(channel, bytes, null);
  }

  #remember(bootId: string): void {
    if (this.#siblings.has(bootId)) return;
    if (this.#siblings.size >= maxSiblings)
      for (const oldest of this.#siblings) {
        this.#siblings.delete(oldest);
        break;
      }
    this.#siblings.add(bootId);
  }

  #mustFit(connection: Pick<BrokerConnection, 'bytesInFlight' | 'reconnect'>, bytes: number): void {
    if (connection.bytesInFlight + bytes <= this.#options.maxBytesInFlight) return;
    this.#options.onTrouble('Redis does not keep up: the connection is dropped');
    connection.reconnect();
    throw refusal('TRYAGAIN too many bytes wait for Redis');
  }

  #publisherNow(): BrokerConnection {
    if (!this.#connected || this.#publisher?.ready !== true) throw refusal('Redis is away');
    return this.#publisher;
  }

  #subscriberNow(): BrokerConnection {
    if (!this.#connected || this.#subscriber?.ready !== true) throw refusal('Redis is away');
    return this.#subscriber;
  }

  #historyNow(): HistoryConnection {
    if (this.#history?.ready !== true) throw refusal('TRYAGAIN Redis is away');
    return this.#history;
  }
}
