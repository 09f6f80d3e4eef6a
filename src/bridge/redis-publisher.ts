/**
 * The publishing connection: takes frames and beats to Redis within bounds, and counts what it could not take.
 *
 * Nothing waits here. A frame that finds no connection, or one that owes too many answers, is dropped with its number, so
 * that whoever listens notices.
 */
import type { Clock } from '../clock.ts';
import type { BridgeMetrics } from '../metrics/bridge-metrics.ts';
import { type Broker, type BrokerConnection, isRefusal, type ServerIdentity } from './broker.ts';
import type { OutgoingFrame } from './outgoing-frames.ts';
import type { QuietLog } from './quiet-log.ts';

/** How long `stop` waits for Redis to take the last frames. */
const stopTimeoutMs = 500;
const stopLookMs = 5;

export interface RedisPublisherOptions {
  broker: Broker;
  /** Shown in `CLIENT LIST`. */
  name: string;
  /** Bytes that Redis may owe an answer for; over it, the connection is dropped. */
  maxBytesInFlight: number;
  clock: Clock;
  metrics: BridgeMetrics;
  log: QuietLog;
  onReady(): void;
  onLost(): void;
}

export class RedisPublisher {
  readonly #options: RedisPublisherOptions;
  readonly #connection: BrokerConnection;
  #server: ServerIdentity | null = null;

  constructor(options: RedisPublisherOptions) {
    const { broker, name, log, onReady, onLost } = options;
    this.#options = options;
    this.#connection = broker.dial(name, {
      onError: (reason) => log.trouble('warn', { reason }, `${broker.name} cannot be reached`),
      onReady: (server) => {
        this.#server = server;
        onReady();
      },
      onLost,
      onMessage() {},
    });
  }

  get ready(): boolean {
    return this.#connection.ready;
  }

  /** Which one it leads to, or led to last. */
  get server(): ServerIdentity | null {
    return this.#server;
  }

  /** Publishes a frame, or drops it. */
  send({ bytes, count, settle }: OutgoingFrame, channel: string): void {
    const { metrics, log, maxBytesInFlight } = this.#options;
    const connection = this.#connection;
    if (!connection.ready) {
      metrics.publicationsDropped.values.away += count;
      settle('failed');
      return;
    }
    if (connection.bytesInFlight + bytes.length > maxBytesInFlight) {
      metrics.publicationsDropped.values.in_flight_limit += count;
      settle('failed');
      log.trouble(
        'warn',
        { bytes: connection.bytesInFlight },
        'Redis does not keep up: the connection is dropped',
      );
      connection.reconnect();
      return;
    }
    metrics.framesSent.value += 1;
    metrics.publicationsSent.value += count;
    metrics.bytesSent.value += bytes.length;
    connection.publish(channel, bytes).then(
      () => settle('confirmed'),
      (error: Error) => {
        metrics.publicationsDropped.values.failed += count;
        settle(isRefusal(error) ? 'failed' : 'unknown');
        log.trouble('warn', { reason: error.message }, 'Redis did not take a frame');
      },
    );
  }

  /** Publishes what is no frame, if there is a connection. `what` it is, for the log. */
  say(channel: string, bytes: Buffer, what: string): void {
    if (!this.#connection.ready) return;
    this.#connection
      .publish(channel, bytes)
      .catch((error: Error) =>
        this.#options.log.trouble('warn', { reason: error.message }, `Redis did not take ${what}`),
      );
  }

  /** Asks the server who it is now. Rejects if it does not answer. Call it only while ready. */
  async identify(): Promise<ServerIdentity> {
    this.#server = await this.#connection.identify();
    return this.#server;
  }

  /** Stores `value` under `key` unless the key exists; returns what is stored then. Call it only while ready. */
  settle(key: string, value: string): Promise<string> {
    return this.#connection.settle(key, value);
  }

  reconnect(): void {
    this.#connection.reconnect();
  }

  /** Ends it when Redis has taken what is under way, or soon. */
  async stop(): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.now() + stopTimeoutMs;
    while (this.#connection.bytesInFlight > 0 && clock.now() < deadline)
      await new Promise<void>((resolve) => clock.after(stopLookMs, resolve));
    this.#connection.end();
  }
}
