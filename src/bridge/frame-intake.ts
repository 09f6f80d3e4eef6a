/**
 * What becomes of a frame from Redis: refused, counted as missed, or handed out.
 *
 * It knows no connection and no state of the bridge: bytes come in, publications go out, and everything that was wrong with
 * them has its counter. Frames of this node itself are dropped by their boot id.
 */
import type { BridgeMetrics } from '../metrics/bridge-metrics.ts';
import { FrameReader, maxFrameBytes } from '../protocol/bridge-frame.ts';
import type { Receive } from './bridge.ts';
import type { QuietLog } from './quiet-log.ts';
import { SequenceLedger } from './sequence-ledger.ts';

export type Rejection = keyof BridgeMetrics['framesRejected']['values'];

export interface FrameIntakeOptions {
  shards: number;
  /** Of this node. */
  bootId: string;
  metrics: BridgeMetrics;
  log: QuietLog;
  /** Frames of another node in this shard did not arrive, or could not be read. */
  onGap(shard: number): void;
}

export class FrameIntake {
  readonly #options: FrameIntakeOptions;
  readonly #reader = new FrameReader();
  readonly #ledger: SequenceLedger;

  constructor(options: FrameIntakeOptions) {
    this.#options = options;
    this.#ledger = new SequenceLedger(options.shards);
  }

  /** Takes what arrived on the Redis channel of a shard. */
  frame(shard: number, bytes: Buffer, receive: Receive): void {
    const { bootId, metrics } = this.#options;
    const reader = this.#reader;
    metrics.framesReceived.value += 1;
    metrics.bytesReceived.value += bytes.length;
    const verdict = reader.read(bytes);
    if (verdict === 'malformed') {
      this.reject(bytes.length > maxFrameBytes ? 'oversized' : 'malformed');
      return;
    }
    if (reader.bootId === bootId) return;
    if (reader.shard !== shard) {
      this.reject('wrong_shard');
      return;
    }
    const step = this.#ledger.frame(reader.bootId, shard, reader.sequence);
    if (step === 'duplicate') {
      this.reject('duplicate');
      return;
    }
    this.#countGap(shard, step);
    if (verdict === 'unknown version') {
      this.reject('unknown_version');
      this.#countGap(shard, 1);
      return;
    }
    metrics.publicationsReceived.value += reader.count - reader.unknownKinds;
    metrics.unknownKinds.value += reader.unknownKinds;
    metrics.lag.observeMs(Date.now() - reader.sentAt);
    reader.deliver(receive);
  }

  /** The last numbers that a peer has sent, by shard: what did not arrive of them is missing. */
  sequences(bootId: string, last: ReadonlyMap<number, number>): void {
    for (const [shard, sequence] of last) this.#countGap(shard, this.#ledger.beat(bootId, shard, sequence));
  }

  reject(reason: Rejection): void {
    const { metrics, log } = this.#options;
    metrics.framesRejected.values[reason] += 1;
    log.trouble('warn', { reason }, 'a frame from Redis was dropped');
  }

  /** A shard is heard from now on, or no longer. */
  listen(shard: number, listening: boolean): void {
    this.#ledger.listen(shard, listening);
  }

  /** The connection for these shards was lost, and every subscription with it. */
  interrupt(shards: readonly number[]): void {
    this.#ledger.interrupt(shards);
  }

  /** A peer has been silent for long; most likely it is gone for good. */
  fellSilent(bootId: string): void {
    this.#ledger.fellSilent(bootId);
  }

  #countGap(shard: number, missingFrames: number): void {
    if (missingFrames === 0) return;
    this.#options.onGap(shard);
    this.#options.metrics.gaps.value += 1;
    this.#options.metrics.framesMissed.value += missingFrames;
  }
}
