/**
 * What this node sends to the others: publications gather per shard into one open frame, until the batcher says that it
 * goes, and whoever wants to know is told what became of it.
 *
 * It knows no connection: a frame that is taken is handed to `send`, which publishes it or drops it with its number.
 */
import { Batcher, type BatchLimits } from '../batching/batcher.ts';
import type { Publication } from '../channel/publication.ts';
import type { Clock } from '../clock.ts';
import { type FrameSender, FrameWriter } from '../protocol/bridge-frame.ts';
import type { Outcome } from './bridge.ts';

export interface OutgoingFrame {
  readonly shard: number;
  readonly bytes: Buffer;
  /** Publications in it. */
  readonly count: number;
  /** Tells those who wait what became of it; most frames have nobody. */
  settle(outcome: Outcome): void;
}

export interface OutgoingFramesOptions {
  shards: number;
  sender: FrameSender;
  batch: BatchLimits;
  clock: Clock;
  send(frame: OutgoingFrame): void;
}

export class OutgoingFrames {
  readonly #writers: FrameWriter[];
  /** By shard: what becomes of the open frame, where somebody wants to know. */
  readonly #receipts: (Receipt | null)[];
  readonly #batcher: Batcher<number>;
  readonly #send: (frame: OutgoingFrame) => void;

  constructor({ shards, sender, batch, clock, send }: OutgoingFramesOptions) {
    this.#writers = Array.from({ length: shards }, (_, shard) => new FrameWriter(sender, shard));
    this.#receipts = new Array(shards).fill(null);
    this.#batcher = new Batcher(clock, batch, (shard) => this.#take(shard));
    this.#send = send;
  }

  /** The publication is copied. Its frame may be sent before the call returns. */
  add(shard: number, channel: string, publication: Publication, idempotencyKey: string | null = null): void {
    const writer = this.#writerOf(shard);
    writer.add(channel, publication, idempotencyKey);
    this.#batcher.added(shard, writer.bytes, writer.count);
  }

  /** The same, and resolves with what became of the frame; all who wait for one frame share a promise. */
  addConfirmed(
    shard: number,
    channel: string,
    publication: Publication,
    idempotencyKey: string | null = null,
  ): Promise<Outcome> {
    // Before the batcher hears of it, which may send the frame at once.
    this.#receipts[shard] ??= new Receipt();
    const { outcome } = this.#receipts[shard];
    this.add(shard, channel, publication, idempotencyKey);
    return outcome;
  }

  /** Sends everything that has gathered. */
  flush(): void {
    this.#batcher.flushAll();
  }

  /** The number of the last frame that was taken, of each of these shards; without those that have sent none. */
  lastSequences(shards: readonly number[]): Map<number, number> {
    const sequences = new Map<number, number>();
    for (const shard of shards) {
      const { sequence } = this.#writerOf(shard);
      if (sequence > 0) sequences.set(shard, sequence);
    }
    return sequences;
  }

  #take(shard: number): void {
    const writer = this.#writerOf(shard);
    const { count } = writer;
    if (count === 0) return;
    const bytes = writer.take(Date.now());
    const receipt = this.#receipts[shard];
    this.#receipts[shard] = null;
    this.#send({ shard, bytes, count, settle: (outcome) => receipt?.settle(outcome) });
  }

  #writerOf(shard: number): FrameWriter {
    return this.#writers[shard] as FrameWriter;
  }
}

class Receipt {
  readonly outcome: Promise<Outcome>;
  settle: (outcome: Outcome) => void = () => {};

  constructor() {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}
