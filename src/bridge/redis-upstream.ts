/**
 * Redis behind a relay: one connection that publishes, one that is subscribed and, where channels have a history, one that runs
 * its scripts, for all workers of the host.
 *
 * Whether they lead to the right server is watched by a bridge of the relay's own, which has no subscribers: it beats as any
 * node does, and drops all connections when it is cut off or led astray. The relay therefore is a node of the cluster, without
 * clients.
 *
 * **Siblings.** A frame of a worker goes to the other workers of the host at once, and to Redis; when it comes back from there it
 * is dropped, by the boot id in it. Beats and what a history hands out come from Redis alone: they prove that it works, or
 * have their offsets from it.
 */
import type { Clock } from '../clock.ts';
import { bootIdOf } from '../protocol/bridge-frame.ts';
import type { RelayRole, WireValue } from '../protocol/relay-frame.ts';
import type { Broker, BrokerConnection, BrokerEvents, ServerIdentity } from './broker.ts';
import { type RelayUpstream, type RelayUpstreamEvents, refusal } from './relay-upstream.ts';
import type { ServedHistory } from './served-history.ts';

/** An answer to who a server is may be so old; the workers all ask once a second. */
const identityHoldsMs = 500;
/** Workers whose frames are known when they come back; many more than there are, since each start is another one. */
const maxSiblings = 4_096;

/** The bridge that watches, as far as it is needed here. It dials for publishing first, then for subscribing. */
export interface Watch {
  start(receive: () => void, onGap: () => void): void;
  stop(): Promise<void>;
}

/** A script of ours. */
export interface KnownScript {
  readonly source: string;
  readonly sha1: string;
}

/** A connection for scripts. */
export interface ScriptConnection
  extends Omit<BrokerConnection, 'publish' | 'subscribe' | 'unsubscribe' | 'settle'> {
  run(script: KnownScript, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
}

export interface RedisUpstreamOptions {
  broker: Broker;
  /** Makes the bridge that watches: over this broker, and looking after the connection of this history. */
  watch(broker: Broker, history: ServedHistory | null): Watch;
  /** Null where no channel has a history. */
  dialHistory: ((events: BrokerEvents) => ScriptConnection) | null;
  scripts: readonly KnownScript[];
  /** Of beats and questions, which a node hears of itself. */
  controlChannel: string;
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
  readonly #options: RedisUpstreamOptions;
  readonly #watch: Watch;
  readonly #scripts: ReadonlyMap<string, KnownScript>;
  readonly #siblings = new Set<string>();
  #events: RelayUpstreamEvents | null = null;
  #publisher: BrokerConnection | null = null;
  #subscriber: BrokerConnection | null = null;
  #history: ScriptConnection | null = null;
  #publisherIdentity: ServerIdentity | null = null;
  #subscriberIdentity: ServerIdentity | null = null;
  #historyIdentity: ServerIdentity | null = null;
  #asked: Asked | null = null;

  constructor(options: RedisUpstreamOptions) {
    const { broker, watch, dialHistory } = options;
    this.#options = options;
    this.#scripts = new Map(options.scripts.map((script) => [script.sha1, script]));
    const shared: Broker = {
      ...broker,
      dial: (name, events) => this.#dial(name, events),
    };
    this.#watch = watch(shared, dialHistory === null ? null : this.#servedHistory());
  }

  start(events: RelayUpstreamEvents): void {
    this.#events = events;
    this.#watch.start(
      () => {},
      () => {},
    );
    const { dialHistory, onTrouble } = this.#options;
    this.#history =
      dialHistory?.({
        onReady: (identity) => {
          this.#historyIdentity = identity;
          events.changed('history', '');
        },
        onLost: () => {
          this.#historyIdentity = null;
          events.changed('history', 'the connection of the history to Redis ended');
        },
        onError: onTrouble,
        onMessage() {},
      }) ?? null;
  }

  identity(role: RelayRole): ServerIdentity | null {
    if (role === 'history') return this.#historyIdentity;
    // Where the two lead to is compared by the bridge that watches.
    return this.#publisherIdentity === null ? null : this.#subscriberIdentity;
  }

  async publish(channel: string, bytes: Buffer, from: string): Promise<void> {
    const publisher = this.#publisher;
    if (publisher?.ready !== true) throw refusal('Redis is away');
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

  async identify(role: RelayRole): Promise<ServerIdentity> {
    if (role === 'history') return await this.#historyNow().identify();
    const publisher = this.#publisher;
    if (publisher?.ready !== true) throw refusal('Redis is away');
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
    if (this.#publisher?.ready !== true) throw refusal('Redis is away');
    return await this.#publisher.settle(key, value);
  }

  async run(sha1: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<WireValue> {
    const script = this.#scripts.get(sha1);
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

  async stop(): Promise<void> {
    await this.#watch.stop();
    this.#history?.end();
  }

  /** A connection of the bridge that watches, which all workers use. */
  #dial(name: string, own: BrokerEvents): BrokerConnection {
    const isSubscriber = this.#publisher !== null;
    const connection = this.#options.broker.dial(name, {
      onError: own.onError,
      onReady: (identity) => {
        if (isSubscriber) this.#subscriberIdentity = identity;
        else this.#publisherIdentity = identity;
        own.onReady(identity);
        if (this.identity('bridge') !== null) this.#events?.changed('bridge', '');
      },
      onLost: () => {
        const wasThere = this.identity('bridge') !== null;
        if (isSubscriber) this.#subscriberIdentity = null;
        else {
          this.#publisherIdentity = null;
          // The workers are about to subscribe anew, and nobody would end what they do not want any more.
          this.#subscriber?.reconnect();
        }
        this.#asked = null;
        own.onLost();
        if (wasThere) this.#events?.changed('bridge', 'the connection of the relay to Redis ended');
      },
      onMessage: (channel, bytes) => this.#message(channel, bytes, own),
    });
    if (isSubscriber) this.#subscriber = connection;
    else this.#publisher = connection;
    return connection;
  }

  #message(channel: string, bytes: Buffer, own: BrokerEvents): void {
    const { controlChannel, carriesFrames } = this.#options;
    if (channel === controlChannel) own.onMessage(channel, bytes);
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

  #subscriberNow(): BrokerConnection {
    if (this.#subscriber?.ready !== true) throw refusal('Redis is away');
    return this.#subscriber;
  }

  #historyNow(): ScriptConnection {
    if (this.#history?.ready !== true) throw refusal('TRYAGAIN Redis is away');
    return this.#history;
  }

  /** For the bridge that watches: it has no channels, and nothing is handed to it. */
  #servedHistory(): ServedHistory {
    return {
      pubsubChannel: () => '',
      frame: () => true,
      doubt() {},
      open: () => ({
        serverId: () => this.#historyIdentity?.runId ?? null,
        reconnect: () => this.#history?.reconnect(),
        // With the upstream.
        end() {},
      }),
    };
  }
}
