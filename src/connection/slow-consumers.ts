/**
 * Ends connections that do not read, before they lose anything.
 *
 * The healthy path does no work per receiver, so nobody watches single sockets. When a broadcast reports that some
 * subscriber could not take it at once, the bytes that it may have added are summed up; each time an eighth of the limit
 * is reached, all connections are looked at, and those above seven eighths of it are terminated. Nothing can wait for
 * long without that sum growing, so no timer is needed.
 *
 * A burst within one turn of the loop can outrun this. Then the transport closes the socket at the full limit, and
 * `congested` remembers the reason for the metric.
 */
import type { Metrics } from '../metrics/metrics.ts';
import type { Connections } from './connections.ts';

const sweepsPerLimit = 8;

export class SlowConsumers {
  readonly #connections: Connections;
  readonly #sweepBytes: number;
  readonly #terminateBytes: number;
  readonly #metrics: Pick<Metrics, 'slowConsumerSweeps'>;
  #bytesSinceSweep = 0;

  constructor(
    connections: Connections,
    backpressureLimitBytes: number,
    metrics: Pick<Metrics, 'slowConsumerSweeps'>,
  ) {
    this.#connections = connections;
    this.#sweepBytes = backpressureLimitBytes / sweepsPerLimit;
    this.#terminateBytes = backpressureLimitBytes - this.#sweepBytes;
    this.#metrics = metrics;
  }

  /** Some subscriber could not take a broadcast at once; at most `bytes` were added to what waits for it. */
  suspect(bytes: number): void {
    this.#bytesSinceSweep += bytes;
    if (this.#bytesSinceSweep < this.#sweepBytes) return;
    this.#bytesSinceSweep = 0;
    this.#metrics.slowConsumerSweeps.value += 1;
    for (const connection of this.#connections) {
      const waiting = connection.socket?.bufferedBytes() ?? 0;
      connection.congested = waiting > 0;
      if (waiting >= this.#terminateBytes) connection.terminate('slow_consumer');
    }
  }
}
