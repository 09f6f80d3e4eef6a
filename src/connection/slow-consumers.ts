/**
 * Ends connections that do not read, before they lose anything: bounded in bytes and in time.
 *
 * The healthy path does no work per receiver, so nobody watches single sockets. When a broadcast reports that some
 * subscriber could not take it at once, two things begin:
 *
 * - **Bytes.** What it may have added is summed up; each time an eighth of the limit is reached, all connections are looked
 *   at, and those above seven eighths of it are cut off.
 * - **Time.** Until a round has found nobody with waiting bytes, all connections are visited in rounds, five for each
 *   `timeoutMs`. Who has had waiting bytes for that long, and never fewer than at the visit before, is terminated, however
 *   few they are. (The kernel frees room in large pieces, so who reads at all is seen to take something.)
 *
 * Who is cut off gets nothing more, and has a moment to take what waits: then he is closed with a code of his own. If he does
 * not, he is terminated, since a close frame would wait behind bytes that nobody reads; he sees 1006, which means "come
 * back" as well. So is who took nothing for the whole time.
 *
 * What a client had missed is sent to it at once when it comes back, and does not count as waiting until it has been taken.
 *
 * A burst within one turn of the loop can outrun this. Then the transport closes the socket at the full limit, and
 * `congested` remembers the reason for the metric.
 */
import type { Clock, Timer } from '../clock.ts';
import { closeCodes } from '../close-codes.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';

const sweepsPerLimit = 8;
const roundsPerTimeout = 5;
/** How long who was cut off has to take what waits for him, and how often it is looked whether he has. */
const lingerMs = 1_000;
const lookEveryMs = 50;
/** From this part of the limit on, a connection is slow: it is cut off later, unless something can be spared it. */
const slowPart = 1 / 4;

export interface SlowConsumersOptions {
  connections: Connections;
  /** Bytes that may wait for one connection. */
  limitBytes: number;
  /** How long bytes may wait without becoming fewer. */
  timeoutMs: number;
  clock: Clock;
  metrics: Pick<Metrics, 'slowConsumerSweeps' | 'slowConsumersCutOff'>;
  /** A connection falls behind and is not to be cut off yet. Called again and again while that is so. */
  onSlow(connection: Connection): void;
}

interface Congestion {
  /** Bytes that waited at the last visit. */
  bytes: number;
  /** Since when they have not become fewer. */
  since: number;
}

export class SlowConsumers {
  readonly #options: SlowConsumersOptions;
  readonly #sweepBytes: number;
  readonly #cutOffBytes: number;
  #bytesSinceSweep = 0;
  /** Who had waiting bytes at the last visit. */
  readonly #congested = new Map<Connection, Congestion>();
  /** Who was cut off, and until when he may take what waits. */
  readonly #leaving = new Map<Connection, number>();
  #rounds: Timer | null = null;
  #look: Timer | null = null;
  #slot = 0;
  /** Somebody could not take a broadcast since the round before the last one began. */
  #suspected = false;

  constructor(options: SlowConsumersOptions) {
    this.#options = options;
    this.#sweepBytes = options.limitBytes / sweepsPerLimit;
    this.#cutOffBytes = options.limitBytes - this.#sweepBytes;
  }

  /** Some subscriber could not take a broadcast at once; at most `bytes` were added to what waits for it. */
  suspect(bytes: number): void {
    this.#suspected = true;
    this.#beginRounds();
    this.#bytesSinceSweep += bytes;
    if (this.#bytesSinceSweep < this.#sweepBytes) return;
    this.#bytesSinceSweep = 0;
    this.#sweep();
  }

  /** Terminates those for whom most bytes wait, until so many are free; fewer if there are not as many. */
  shed(bytes: number): void {
    const behind: [Connection, number][] = [];
    for (const connection of this.#options.connections) {
      const waiting = connection.socket?.bufferedBytes() ?? 0;
      if (waiting > 0) behind.push([connection, waiting]);
    }
    behind.sort(([, a], [, b]) => b - a);
    let freed = 0;
    for (const [connection, waiting] of behind) {
      if (freed >= bytes) return;
      connection.terminate('memory');
      freed += waiting;
    }
  }

  stop(): void {
    this.#rounds?.cancel();
    this.#look?.cancel();
  }

  #sweep(): void {
    const { connections, limitBytes, metrics, onSlow } = this.#options;
    metrics.slowConsumerSweeps.value += 1;
    for (const connection of connections) {
      const behind = connection.bytesBehind();
      if (behind >= this.#cutOffBytes) this.#cutOff(connection);
      else if (behind >= limitBytes * slowPart) onSlow(connection);
    }
  }

  #beginRounds(): void {
    const { connections, clock, timeoutMs } = this.#options;
    const tickMs = timeoutMs / roundsPerTimeout / connections.slots.length;
    this.#rounds ??= clock.every(tickMs, () => this.#tick());
  }

  #tick(): void {
    const { connections } = this.#options;
    for (const connection of connections.inSlot(this.#slot)) this.#visit(connection);
    this.#slot = (this.#slot + 1) % connections.slots.length;
    if (this.#slot > 0) return;
    for (const connection of this.#congested.keys())
      if (connection.socket === null) this.#congested.delete(connection);
    if (!this.#suspected && this.#congested.size === 0) {
      this.#rounds?.cancel();
      this.#rounds = null;
    }
    this.#suspected = false;
  }

  #visit(connection: Connection): void {
    const { clock, timeoutMs, onSlow } = this.#options;
    const bytes = connection.socket?.bufferedBytes() ?? 0;
    connection.congested = bytes > 0;
    if (bytes === 0) {
      this.#congested.delete(connection);
      return;
    }
    const now = clock.now();
    const before = this.#congested.get(connection);
    if (before === undefined || bytes < before.bytes) {
      this.#congested.set(connection, { bytes, since: now });
      return;
    }
    before.bytes = bytes;
    if (now - before.since >= timeoutMs) connection.terminate('slow_consumer');
    else onSlow(connection);
  }

  #cutOff(connection: Connection): void {
    const { clock } = this.#options;
    if (!connection.mute('slow_consumer')) return;
    this.#options.metrics.slowConsumersCutOff.value += 1;
    this.#leaving.set(connection, clock.now() + lingerMs);
    this.#look ??= clock.every(lookEveryMs, () => this.#endThoseWhoLeave());
  }

  #endThoseWhoLeave(): void {
    const now = this.#options.clock.now();
    for (const [connection, until] of this.#leaving) {
      if (connection.socket?.bufferedBytes() === 0) connection.farewell(closeCodes.slowConsumer);
      else if (now >= until) connection.terminate('slow_consumer');
      else if (connection.socket !== null) continue;
      this.#leaving.delete(connection);
    }
    if (this.#leaving.size > 0) return;
    this.#look?.cancel();
    this.#look = null;
  }
}
