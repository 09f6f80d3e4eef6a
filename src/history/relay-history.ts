/**
 * The history of a worker whose host has no Redis: the relay of the host keeps it (`kept-history.ts`), and this asks it.
 *
 *     append ─ relay ─┬─ kept
 *                     └─ pub/sub channel of the shard ─ every worker ─ frame ─ receive
 *
 * As with Redis, frames come from whoever is subscribed, which is the bridge. It lives as long as the relay: another relay has
 * another generation, so nobody is told that he missed nothing. An append that was under way when the relay was lost is
 * `unknown`, and not tried again: either it has gone with the relay or it was carried out.
 */
import { isSequenced, type Position, type Retention, type Snapshot } from '../channel/position.ts';
import type { Publication } from '../channel/publication.ts';
import type { Outcome } from '../bridge/bridge.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import { maxFrameBytes } from '../protocol/bridge-frame.ts';
import { asInteger, asList, asText, type ReadValue, type WireValue } from '../protocol/relay-frame.ts';
import { SequencedReader, SequencedWriter } from '../protocol/sequenced-frame.ts';
import type { Appended, History, ReceiveSequenced } from './history.ts';
import type { Slice } from './recovery.ts';
import { ShardKeys } from './redis-script.ts';
import { publicationsIn } from './relay-question.ts';

/** What it needs of a connection to the relay. */
export interface RelayLink {
  readonly ready: boolean;
  /** Bytes of questions that were not answered. */
  readonly bytesInFlight: number;
  /** Rejects when the relay refuses, does not answer in time, or the connection ends. Call it only while ready. */
  askHistory(question: readonly WireValue[], bytes: number): Promise<ReadValue>;
  reconnect(): void;
  end(): void;
}

export interface RelayHistoryOptions {
  dial(): RelayLink;
  prefix: string;
  shards: number;
  retention(channel: string): Retention;
  /** Of appends that the relay owes an answer for. */
  maxBytesInFlight: number;
  metrics: HistoryMetrics;
  /** Why something could not be done, for the log. */
  onTrouble(reason: string): void;
}

export class RelayHistory implements History {
  readonly #options: RelayHistoryOptions;
  readonly #keys: readonly ShardKeys[];
  readonly #reader = new SequencedReader();
  readonly #writer = new SequencedWriter();
  #link: RelayLink | null = null;
  #receive: ReceiveSequenced = () => {};

  constructor(options: RelayHistoryOptions) {
    const { prefix, shards } = options;
    this.#options = options;
    this.#keys = Array.from({ length: shards }, (_, shard) => new ShardKeys(prefix, shards, shard));
  }

  start(receive: ReceiveSequenced): void {
    this.#receive = receive;
    this.#link = this.#options.dial();
  }

  /** The channel on which the frames of a shard come. */
  pubsubChannel(shard: number): string {
    return (this.#keys[shard] as ShardKeys).pubsub;
  }

  reconnect(): void {
    this.#link?.reconnect();
  }

  /** Takes what came on the channel of a shard; false if it could not be read. */
  frame(shard: number, bytes: Buffer): boolean {
    const { metrics } = this.#options;
    const frame = this.#reader.frame(bytes);
    metrics.framesReceived.value += 1;
    if (frame === null || frame.shard !== shard) {
      metrics.framesRejected.values[frame === null ? 'malformed' : 'wrong_shard'] += 1;
      return false;
    }
    for (const { channel, batch } of frame.entries) this.#receive(channel, batch);
    return true;
  }

  async append(
    channel: string,
    publications: readonly Publication[],
    idempotencyKey: string | null = null,
  ): Promise<Appended> {
    const { retention, maxBytesInFlight, metrics } = this.#options;
    if (!isSequenced(retention(channel))) throw new RangeError('a channel without history');
    const notAppended = (reason: keyof HistoryMetrics['publicationsNotAppended']['values']) => {
      metrics.publicationsNotAppended.values[reason] += publications.length;
    };
    const link = this.#link;
    if (link?.ready !== true) {
      notAppended('away');
      return { outcome: 'failed' };
    }
    const entry = this.#writer.entry(publications);
    if (entry.length > maxFrameBytes || link.bytesInFlight + entry.length > maxBytesInFlight) {
      notAppended('waiting_limit');
      return { outcome: 'failed' };
    }
    try {
      const question = ['append', channel, idempotencyKey, entry];
      const answer = asList(await link.askHistory(question, entry.length));
      const [outcome, epoch, offset, duplicate] = answer;
      if (outcome !== 'confirmed') {
        notAppended(outcome === 'refused' ? 'too_many_keys' : 'failed');
        return { outcome: outcome === 'refused' ? 'refused' : 'failed' };
      }
      if (duplicate !== 1) {
        metrics.batchesAppended.value += 1;
        metrics.publicationsAppended.value += publications.length;
      }
      const position = { epoch: asText(epoch), offset: asInteger(offset) };
      return { outcome, position, duplicate: duplicate === 1 };
    } catch (error) {
      const outcome: Exclude<Outcome, 'confirmed'> =
        (error as Error).name === 'ReplyError' ? 'failed' : 'unknown';
      notAppended(outcome);
      this.#options.onTrouble((error as Error).message);
      return { outcome };
    }
  }

  async read(channel: string, { epoch, offset }: Position, maxPublications: number): Promise<Slice | null> {
    return await this.#ask(['read', channel, epoch, offset, maxPublications], (told) => this.#sliceIn(told));
  }

  async last(channel: string, count: number): Promise<Slice | null> {
    return await this.#ask(['last', channel, count], (told) => this.#sliceIn(told));
  }

  async top(channel: string): Promise<Position | null> {
    return await this.#ask(['top', channel], positionIn);
  }

  async latest(channel: string): Promise<Snapshot | null> {
    if (this.#options.retention(channel).latest === undefined) return null;
    return await this.#ask(['latest', channel], (told) => ({
      ...positionIn(told),
      publications: publicationsIn(this.#reader, told[2]),
    }));
  }

  async stop(): Promise<void> {
    this.#link?.end();
    this.#link = null;
  }

  #sliceIn(told: ReadValue[]): Slice {
    const [, , top, entries] = told;
    return {
      ...positionIn(told),
      top: asInteger(top),
      publications: publicationsIn(this.#reader, entries),
    };
  }

  /** Null if there is no answer, or the relay knows no history of the channel. */
  async #ask<Told>(
    question: readonly [string, string, ...WireValue[]],
    read: (told: ReadValue[]) => Told,
  ): Promise<Told | null> {
    const { retention, metrics, onTrouble } = this.#options;
    const link = this.#link;
    if (!isSequenced(retention(question[1])) || link === null) return null;
    metrics.reads.value += 1;
    try {
      const answer = link.ready ? await link.askHistory(question, 0) : null;
      if (answer !== null) return read(asList(answer));
    } catch (error) {
      onTrouble((error as Error).message);
    }
    metrics.readsFailed.value += 1;
    return null;
  }
}

function positionIn([epoch, offset]: ReadValue[]): Position {
  return { epoch: asText(epoch), offset: asInteger(offset) };
}
