/**
 * The subscribing connection: what of the shards this node must hear (`interest.ts`), and the control channel always.
 *
 * Subscriptions end with their connection, and nothing remembers them but the interest: on each new connection the control
 * channel comes first, then everything that is wanted.
 */
import type { Clock } from '../clock.ts';
import type { Broker, BrokerConnection, ServerIdentity } from './broker.ts';
import { Interest } from './interest.ts';
import type { QuietLog } from './quiet-log.ts';
import type { ShardChannels } from './shard-channels.ts';

/** A shard stays subscribed after its last local subscriber has left. */
const interestLingerMs = 30_000;

export interface RedisSubscriberOptions {
  broker: Broker;
  /** Shown in `CLIENT LIST`. */
  name: string;
  shards: number;
  channels: ShardChannels;
  controlChannel: string;
  clock: Clock;
  log: QuietLog;
  /** The control channel is heard, and shards are being subscribed. */
  onListening(): void;
  /** Nothing is heard any more. */
  onLost(): void;
  /** A shard is heard from now on, or no longer. */
  onShard(shard: number, heard: boolean): void;
  /** The bytes may be kept. */
  onMessage(channel: string, bytes: Buffer): void;
}

export class RedisSubscriber {
  readonly interest: Interest;
  readonly #options: RedisSubscriberOptions;
  readonly #connection: BrokerConnection;
  #server: ServerIdentity | null = null;

  constructor(options: RedisSubscriberOptions) {
    const { broker, name, shards, channels, clock, log, onLost, onShard, onMessage } = options;
    this.#options = options;
    this.interest = new Interest({
      shards,
      clock,
      lingerMs: interestLingerMs,
      subscribe: (wanted) => this.#subscribe(channels.allOf(wanted)),
      unsubscribe: (unwanted) => this.#connection.unsubscribe(channels.allOf(unwanted)),
      onChange: onShard,
    });
    this.#connection = broker.dial(name, {
      onError: (reason) => log.trouble('warn', { reason }, `${broker.name} cannot be reached`),
      onReady: (server) => {
        this.#server = server;
        void this.#listen();
      },
      onLost: () => {
        onLost();
        this.interest.lost();
      },
      onMessage,
    });
  }

  get ready(): boolean {
    return this.#connection.ready;
  }

  /** Which one it leads to, or led to last. */
  get server(): ServerIdentity | null {
    return this.#server;
  }

  reconnect(): void {
    this.#connection.reconnect();
  }

  /** Nothing is heard from now on. */
  stop(): void {
    this.interest.stop();
    this.interest.lost();
    this.#connection.end();
  }

  async #listen(): Promise<void> {
    const { controlChannel, log, onListening } = this.#options;
    try {
      await this.#connection.subscribe([controlChannel]);
      this.interest.connected();
      onListening();
    } catch (error) {
      log.trouble('warn', { reason: (error as Error).message }, 'Redis did not confirm a subscription');
      this.#connection.reconnect();
    }
  }

  async #subscribe(channels: readonly string[]): Promise<void> {
    try {
      await this.#connection.subscribe(channels);
    } catch (error) {
      // Half a subscription is worse than none: what was confirmed is not known any more.
      this.#connection.reconnect();
      throw error;
    }
  }
}
