/**
 * The history over Redis, for nodes that share one: `redis-script.ts` says what lies where and why.
 *
 *     append ─ batch of the shard ─ append script ─┬─ log of the channel
 *                                                  └─ pub/sub channel of the shard ─ every node ─ frame ─ receive
 *     read ─ read script ─ entries ─ slice
 *
 * It has a connection to each server, for appends and reads; frames come from whoever is subscribed (`frame`), which is the
 * bridge. All scripts of a shard show a claim, so that a server that may lack something is noticed before it is believed.
 */
import type { BatchLimits } from '../batching/batcher.ts';
import {
  isSequenced,
  keptPublications,
  type Position,
  type Retention,
  type Snapshot,
} from '../channel/position.ts';
import type { Publication } from '../channel/publication.ts';
import type { Clock } from '../clock.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import { SequencedReader } from '../protocol/sequenced-frame.ts';
import { shardOf } from '../protocol/shard.ts';
import { randomEpochPart } from './epoch.ts';
import {
  type Appended,
  type History,
  maxReadBytes,
  numberingTtlMs,
  type ReceiveSequenced,
} from './history.ts';
import type { Slice } from './recovery.ts';
import { appendScript } from './redis-append-script.ts';
import { RedisAppender } from './redis-appender.ts';
import { claimScript } from './redis-claim-script.ts';
import { RedisClaims } from './redis-claims.ts';
import { latestIn } from './redis-latest-value.ts';
import { type DialRedis, failureOf, type RedisLink } from './redis-link.ts';
import { readScript } from './redis-read-script.ts';
import { inCluster, type RedisScript, ShardKeys } from './redis-script.ts';
import { ShardLinks } from './shard-links.ts';
import { type StoredEntry, type StoredLog, sliceOf } from './stored-slice.ts';

/** The claim may have changed under a read, once; more is not worth waiting for. */
const readAttempts = 3;

export interface RedisHistoryOptions {
  prefix: string;
  shards: number;
  /** The servers are those of a Redis Cluster. */
  inCluster: boolean;
  bootId: string;
  retention(channel: string): Retention;
  /** For the whole of an append; a read takes no longer either. */
  commandTimeoutMs: number;
  /** Of appends that wait, and of commands that Redis owes an answer for. */
  maxBytesInFlight: number;
  batch: BatchLimits;
  clock: Clock;
  metrics: HistoryMetrics;
  /** A new generation of a shard has begun: positions in its channels may be void. */
  onGeneration(shard: number): void;
  /** Why something could not be done, for the log. */
  onTrouble(reason: string): void;
}

export class RedisHistory implements History {
  readonly #options: RedisHistoryOptions;
  readonly #keys: ShardKeys[];
  readonly #claims: RedisClaims;
  readonly #appender: RedisAppender;
  readonly #reader = new SequencedReader();
  readonly #links: ShardLinks;
  #receive: ReceiveSequenced = () => {};

  constructor(options: RedisHistoryOptions) {
    const { prefix, shards, clock, metrics } = options;
    const scriptFor = (script: RedisScript) => (options.inCluster ? inCluster(script) : script);
    this.#options = options;
    this.#keys = Array.from({ length: shards }, (_, shard) => new ShardKeys(prefix, shards, shard));
    this.#links = new ShardLinks(shards);
    this.#claims = new RedisClaims(this.#keys, scriptFor(claimScript), clock, metrics);
    this.#appender = new RedisAppender({
      ...options,
      ...{ keys: this.#keys, links: this.#links, claims: this.#claims },
      script: scriptFor(appendScript),
    });
  }

  /** Whether it can be asked and appended to now, as far as is known. */
  get ready(): boolean {
    return this.#links.ready;
  }

  start(receive: ReceiveSequenced): void {
    this.#receive = receive;
  }

  /** Dials the server that has some shards from now on. What had them before is ended by whoever knows that. */
  connect(shards: readonly number[], dial: DialRedis): RedisLink {
    const isCurrent = () => this.#links.of(shards[0] as number) === link;
    const link: RedisLink = dial({
      onReady: () => {
        if (isCurrent()) this.#claims.connected(shards, link);
      },
      onLost: () => {
        if (isCurrent()) this.#claims.lost(shards);
      },
    });
    this.#claims.lost(shards);
    this.#links.assign(shards, link);
    return link;
  }

  /** The Redis channel on which the frames of a shard come. */
  pubsubChannel(shard: number): string {
    return this.#keysOf(shard).pubsub;
  }

  /** Whether a shard can be claimed, so that its channels can be read now. Never rejects. */
  async claimable(shard: number): Promise<boolean> {
    const link = this.#links.of(shard);
    if (link?.ready !== true) return false;
    try {
      await this.#claims.of(shard, link);
      return true;
    } catch (error) {
      this.#options.onTrouble((error as Error).message);
      return false;
    }
  }

  /**
   * Takes what came on the Redis channel of a shard. Nothing that is in it throws.
   *
   * @returns false if it could not be read: whatever it was, it did not reach anybody
   */
  frame(shard: number, bytes: Buffer): boolean {
    const { metrics, shards } = this.#options;
    const frame = this.#reader.frame(bytes);
    metrics.framesReceived.value += 1;
    if (frame === null) {
      metrics.framesRejected.values.malformed += 1;
      return false;
    }
    if (frame.shard !== shard || frame.entries.some(({ channel }) => shardOf(channel, shards) !== shard)) {
      metrics.framesRejected.values.wrong_shard += 1;
      return false;
    }
    if (frame.entries.length === 0) this.#options.onGeneration(shard);
    for (const { channel, batch } of frame.entries) this.#receive(channel, batch);
    return true;
  }

  async append(
    channel: string,
    publications: readonly Publication[],
    idempotencyKey: string | null = null,
  ): Promise<Appended> {
    if (!isSequenced(this.#options.retention(channel))) throw new RangeError('a channel without history');
    return await this.#appender.append(
      shardOf(channel, this.#options.shards),
      channel,
      publications,
      idempotencyKey,
    );
  }

  async read(channel: string, { epoch, offset }: Position, maxPublications: number): Promise<Slice | null> {
    // Of what is behind the largest number there is nothing, whatever the number is.
    const from = Math.min(Math.max(offset, 0), Number.MAX_SAFE_INTEGER - 1) + 1;
    const enough = Math.min(from + maxPublications - 1, Number.MAX_SAFE_INTEGER);
    const log = await this.#askLog(channel, ['after', epoch, String(from), String(enough)]);
    if (log === null) return null;
    if (log.epoch !== epoch) return { epoch: log.epoch, offset: log.top, publications: [], top: log.top };
    return this.#slice(channel, log, from, maxPublications);
  }

  async last(channel: string, count: number): Promise<Slice | null> {
    const log = await this.#askLog(channel, ['last', '', String(count), '']);
    if (log === null) return null;
    // Bytes were saved at the old end: what is there ends at the top.
    const whole = { ...log, entries: [...log.entries].reverse(), cut: false };
    return this.#slice(channel, whole, Math.max(log.top - count + 1, 1), count);
  }

  async top(channel: string): Promise<Position | null> {
    const log = await this.#askLog(channel, ['top', '', '', '']);
    return log === null ? null : { epoch: log.epoch, offset: log.top };
  }

  async latest(channel: string): Promise<Snapshot | null> {
    const { retention, metrics } = this.#options;
    if (retention(channel).latest === undefined) return null;
    const answer = await this.#ask(channel, ['latest', '', '', '']);
    if (answer === null) return null;
    const { epoch, top, rest } = answer;
    const [fields] = rest as [Buffer[]];
    const publications = latestIn(fields, top, () => {
      metrics.entriesRejected.value += 1;
    });
    return { epoch, offset: top, publications };
  }

  async stop(): Promise<void> {
    await this.#appender.stop();
    this.#links.end();
  }

  /** The window of what is kept moves by publications, the log by entries: the oldest one may reach out of it. */
  #slice(channel: string, log: StoredLog, from: number, maxPublications: number): Slice {
    const { retention, metrics } = this.#options;
    const oldest = log.top - keptPublications(retention(channel)) + 1;
    return sliceOf(log, { from: Math.max(from, oldest), maxPublications }, () => {
      metrics.entriesRejected.value += 1;
    });
  }

  async #askLog(channel: string, args: readonly string[]): Promise<StoredLog | null> {
    const answer = await this.#ask(channel, args);
    return answer === null ? null : logOf(answer);
  }

  /** Asks with what the read script needs behind claim, epoch and ttl; null if there is no answer. */
  async #ask(channel: string, args: readonly string[]): Promise<Answer | null> {
    const { retention, shards, metrics, onTrouble } = this.#options;
    const kept = retention(channel);
    const shard = shardOf(channel, shards);
    const keys = this.#keysOf(shard);
    const link = this.#links.of(shard);
    if (!isSequenced(kept) || link === null) return null;
    metrics.reads.value += 1;
    try {
      for (let attempt = 0; attempt < readAttempts && link.ready; attempt += 1) {
        const claim = await this.#claims.of(shard, link);
        const reply = await link.run(
          readScript,
          [
            ...[keys.generation, keys.numbering(channel), keys.log(channel)],
            ...(kept.latest === undefined ? [] : [keys.latest(channel)]),
          ],
          [claim, randomEpochPart(), String(numberingTtlMs(kept.ttlMs)), ...args, String(maxReadBytes)],
        );
        const answer = answerIn(reply);
        if (answer !== null) return answer;
        this.#claims.forget(shard);
      }
    } catch (error) {
      onTrouble((error as Error).message);
      if (failureOf(error) === 'elsewhere') link.reconnect();
    }
    metrics.readsFailed.value += 1;
    return null;
  }

  #keysOf(shard: number): ShardKeys {
    return this.#keys[shard] as ShardKeys;
  }
}

/** What the read script replies. */
interface Answer {
  readonly epoch: string;
  readonly top: number;
  readonly cut: boolean;
  /** Entries, or one list of latest values. */
  readonly rest: readonly unknown[];
}

/** Null if the claim did not hold. The script is ours, so what it replies has the form that it has. */
function answerIn(reply: unknown): Answer | null {
  const [word, epoch, top, cut, ...rest] = reply as unknown[];
  if (String(word) !== 'slice') return null;
  return { epoch: String(epoch), top: Number(String(top)), cut: String(cut) === '1', rest };
}

function logOf({ epoch, top, cut, rest }: Answer): StoredLog {
  const entries: StoredEntry[] = [];
  for (let at = 0; at + 1 < rest.length; at += 2)
    entries.push({ id: String(rest[at]), bytes: rest[at + 1] as Buffer });
  return { epoch, top, entries, cut };
}
