/**
 * Appends to the shards of a history over Redis.
 *
 * Appends gather in batches by the same rule as frames of the bridge (`batching/batcher.ts`), but for all shards together: a
 * node at rest appends at the end of the turn, a busy one lingers, and what is due then goes in one write to Redis,
 * which answers it in one and hands it out in one. A batch of its own for each shard costs Redis much less than a write of
 * its own. A shard has one batch under way at a time: so a batch that has to be tried again overtakes nothing, and a slow
 * Redis makes larger batches instead of more of them.
 *
 * **Again, but once.** A batch is tried until it is carried out, refused for good, or `commandTimeoutMs` have passed. Each
 * attempt carries the batch's number, by which Redis knows what it has already done (`redis-append-script.ts`): so an
 * attempt whose answer was lost may be repeated. A batch that meets no connection at all fails at once.
 *
 * **Keys.** A group in which not every key has room is tried again in its parts, each as its publisher published it, before
 * anything that follows.
 *
 * **Bounds.** What waits is bounded in bytes, over all shards; so is what Redis owes an answer for, over which the
 * connection is dropped.
 */
import { Batcher, type BatchLimits } from '../batching/batcher.ts';
import { keptPublications, type LatestBounds, type Retention } from '../channel/position.ts';
import type { Publication } from '../channel/publication.ts';
import type { Clock } from '../clock.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import { maxFrameBytes } from '../protocol/bridge-frame.ts';
import { type KeyedPlace, SequencedWriter, sequencedKinds } from '../protocol/sequenced-frame.ts';
import { AppendBatch, type AppendGroup, appendBytes, type GroupResult } from './append-batch.ts';
import { randomEpochPart } from './epoch.ts';
import { type Appended, numberingTtlMs } from './history.ts';
import {
  argsPerRetention,
  firstRetentionArg,
  maxGroups,
  numbersPerGroup,
  numbersPerKey,
} from './redis-append-script.ts';
import type { RedisClaims } from './redis-claims.ts';
import { failureOf } from './redis-link.ts';
import type { RedisScript, ShardKeys } from './redis-script.ts';
import type { ShardLinks } from './shard-links.ts';
import { TimeLimit, TimeOver } from './time-limit.ts';

/**
 * Where many shards are due together each has little, and its script costs node and Redis the same whatever is in it (0.1 ms
 * together). So the next ones linger for longer: by this part of `maxDelayMs` for each shard that was due, up to `maxLingerMs`. Seen
 * with 10,000 publications/s in 1,000 channels over 64 shards: 88 µs for each instead of 138, node and Redis together.
 */
const lingerPerShard = 0.15;
const maxLingerMs = 20;
const firstPauseMs = 20;
const maxPauseMs = 250;
/** No attempt begins with less time than this left. */
const leastAttemptMs = 10;
const noLatest: LatestBounds = { maxKeys: 0, maxBytes: 0 };
/** How long `stop` waits for what is under way. */
const stopTimeoutMs = 500;
const stopLookMs = 5;

export interface RedisAppenderOptions {
  /** Of `redis-append-script.ts`. */
  script: RedisScript;
  links: ShardLinks;
  keys: readonly ShardKeys[];
  claims: RedisClaims;
  bootId: string;
  retention(channel: string): Retention;
  commandTimeoutMs: number;
  /** Of appends that wait, and of commands that Redis owes an answer for. */
  maxBytesInFlight: number;
  batch: BatchLimits;
  clock: Clock;
  metrics: HistoryMetrics;
  /** Why something was not appended, for the log. */
  onTrouble(reason: string): void;
}

/** The batches of one shard. */
interface Queue {
  /** The last one is open. */
  readonly batches: AppendBatch[];
  /** How many of them have waited long enough, or are full. */
  due: number;
  busy: boolean;
  /** Of the last batch that was tried. */
  number: number;
}

export class RedisAppender {
  readonly #options: RedisAppenderOptions;
  readonly #queues: Queue[];
  /** Shards with something gathered; all of them are due together. */
  readonly #gathered = new Set<number>();
  readonly #batcher: Batcher<'all'>;
  /** Of the batcher. */
  readonly #limits: BatchLimits;
  readonly #writer = new SequencedWriter();
  readonly #frameStarts: Buffer[];
  readonly #timeLimit: TimeLimit;
  #waitingBytes = 0;

  constructor(options: RedisAppenderOptions) {
    this.#options = options;
    this.#queues = options.keys.map(() => ({ batches: [], due: 0, busy: false, number: 0 }));
    this.#frameStarts = options.keys.map((_, shard) => this.#writer.frameStart(shard));
    this.#timeLimit = new TimeLimit(options.clock, 'Redis does not answer in time');
    this.#limits = { ...options.batch };
    this.#batcher = new Batcher(options.clock, this.#limits, () => this.#due());
  }

  append(
    shard: number,
    channel: string,
    publications: readonly Publication[],
    idempotencyKey: string | null,
  ): Promise<Appended> {
    const { metrics, maxBytesInFlight } = this.#options;
    const bytes = appendBytes(publications);
    const refuse = (reason: keyof HistoryMetrics['publicationsNotAppended']['values']) => {
      metrics.publicationsNotAppended.values[reason] += publications.length;
      return Promise.resolve<Appended>({ outcome: 'failed' });
    };
    if (this.#options.links.of(shard)?.ready !== true) return refuse('away');
    if (bytes > maxFrameBytes || this.#waitingBytes + bytes > maxBytesInFlight)
      return refuse('waiting_limit');

    this.#waitingBytes += bytes;
    const batch = this.#openBatch(shard, bytes, publications.length);
    const appended = batch.add(channel, publications, idempotencyKey);
    this.#gathered.add(shard);
    this.#batcher.added('all', batch.bytes, batch.count);
    return appended;
  }

  /** Carries out what waits, as far as that is possible soon. */
  async stop(): Promise<void> {
    const { clock } = this.#options;
    this.#batcher.flushAll();
    const deadline = clock.now() + stopTimeoutMs;
    while (this.#waitingBytes > 0 && clock.now() < deadline)
      await new Promise<void>((resolve) => clock.after(stopLookMs, resolve));
  }

  /** The batch that takes `bytes` more: one that got too full is left behind, to go when those before it have gone. */
  #openBatch(shard: number, bytes: number, count: number): AppendBatch {
    const { maxBytes, maxItems } = this.#options.batch;
    const { batches } = this.#at(shard);
    let batch = batches.at(-1);
    const fits =
      batch !== undefined &&
      batch.groups.length < maxGroups &&
      (batch.count === 0 || (batch.bytes + bytes <= maxBytes && batch.count + count <= maxItems));
    if (batch === undefined || !fits) {
      batch = new AppendBatch();
      batches.push(batch);
    }
    return batch;
  }

  #due(): void {
    const { maxDelayMs } = this.#options.batch;
    const lingerMs = Math.min(maxDelayMs * this.#gathered.size * lingerPerShard, maxLingerMs);
    this.#limits.maxDelayMs = Math.max(maxDelayMs, lingerMs);
    for (const shard of this.#gathered) {
      const queue = this.#at(shard);
      queue.due = queue.batches.length;
      // Else they go as soon as the one before them is done.
      if (!queue.busy) void this.#work(shard);
    }
    this.#gathered.clear();
  }

  async #work(shard: number): Promise<void> {
    const queue = this.#at(shard);
    queue.busy = true;
    while (queue.due > 0) {
      const batch = queue.batches.shift() as AppendBatch;
      queue.due -= 1;
      const batches = [batch];
      for (let next = batches.shift(); next !== undefined; next = batches.shift()) {
        queue.number += 1;
        batches.push(...(await this.#carryOut(shard, next, queue.number)));
      }
      this.#waitingBytes -= batch.bytes;
    }
    queue.busy = false;
  }

  /** Never rejects. Returns what has to be tried in smaller parts. */
  async #carryOut(shard: number, batch: AppendBatch, number: number): Promise<AppendBatch[]> {
    const { metrics } = this.#options;
    const result = await this.#attempts(shard, batch, number);
    if (result === 'failed' || result === 'unknown') {
      metrics.publicationsNotAppended.values[result] += batch.count;
      for (const group of batch.groups) group.fail(result);
      return [];
    }
    metrics.batchesAppended.value += 1;
    const parts: AppendGroup[] = [];
    batch.groups.forEach((group, index) => {
      const there = result[index];
      const { length } = group.publications;
      if (there === undefined) group.fail('unknown');
      else if (there === 'one by one') parts.push(...group.split());
      else if (there === 'refused') {
        metrics.publicationsNotAppended.values.too_many_keys += length;
        group.fail('refused');
      } else {
        metrics.publicationsAppended.value += length;
        group.confirm(there);
      }
    });
    return batchesOf(parts);
  }

  async #attempts(
    shard: number,
    batch: AppendBatch,
    number: number,
  ): Promise<GroupResult[] | 'failed' | 'unknown'> {
    const { script, links, clock, commandTimeoutMs, claims, metrics, onTrouble } = this.#options;
    const deadline = clock.now() + commandTimeoutMs;
    const prepared = this.#prepare(shard, batch);
    let outcome: 'failed' | 'unknown' = 'failed';
    let pauseMs = 0;
    for (let attempt = 0; ; attempt += 1) {
      if (pauseMs > 0) await this.#pause(Math.min(pauseMs, deadline - clock.now()));
      // One more that cannot be answered in time would only make it unknown.
      if (attempt > 0 && deadline - clock.now() < leastAttemptMs) return outcome;
      if (attempt > 0) metrics.appendRetries.value += 1;
      pauseMs = Math.min(Math.max(firstPauseMs, pauseMs * 2), maxPauseMs);
      const link = links.of(shard);
      if (link === null || !link.ready) {
        if (attempt === 0) return outcome;
        continue;
      }
      if (link.bytesInFlight + batch.bytes > this.#options.maxBytesInFlight) {
        onTrouble('Redis does not keep up: the connection of the history is dropped');
        link.reconnect();
        return outcome;
      }
      let sent = false;
      try {
        const claim = await this.#timeLimit.until(deadline, claims.of(shard, link));
        sent = true;
        const running = link.run(script, prepared.keys, prepared.args(claim, number));
        const reply = await this.#timeLimit.until(deadline, running);
        const result = readResult(String(reply));
        if (result === 'stale') return 'unknown';
        if (result !== 'generation') {
          if (result !== 'unknown') claims.appended(shard, claim);
          return result;
        }
        claims.forget(shard);
        // Once that is nobody's fault; more often, something is wrong.
        if (attempt === 0) pauseMs = 0;
      } catch (error) {
        const failure = failureOf(error);
        onTrouble((error as Error).message);
        if (failure === 'lost' && sent) outcome = 'unknown';
        if (failure === 'final' || error instanceof TimeOver) return outcome;
        if (failure === 'elsewhere') link.reconnect();
      }
    }
  }

  /** What the script wants; see there. */
  #prepare(shard: number, { groups }: AppendBatch) {
    const { keys: allKeys, bootId, retention } = this.#options;
    const of = allKeys[shard] as ShardKeys;
    const { pieces, keyed } = this.#writer.entries(groups);
    const retentions: string[] = [];
    /** Where the retention of a size and a ttl stands. */
    const retentionArgs = new Map<string, number>();
    const idempotencyKeys: string[] = [];
    const hashes: string[] = [];
    const packed = Buffer.allocUnsafe(groups.length * numbersPerGroup * 4);
    const newest = keyed.map(newestOfEach);
    const packedKeys = packKeys(newest.flat());
    const keyCount = groups.filter(({ idempotencyKey }) => idempotencyKey !== null).length;
    let at = 0;
    for (const [index, group] of groups.entries()) {
      const { channel, idempotencyKey, publications } = group;
      const kept = retention(channel);
      const { ttlMs, latest = noLatest } = kept;
      const size = keptPublications(kept);
      const name = `${size} ${ttlMs} ${latest.maxKeys} ${latest.maxBytes}`;
      let retentionArg = retentionArgs.get(name);
      if (retentionArg === undefined) {
        retentionArg = firstRetentionArg + retentionArgs.size * argsPerRetention;
        retentionArgs.set(name, retentionArg);
        retentions.push(String(size), String(ttlMs), String(numberingTtlMs(ttlMs)));
        retentions.push(String(latest.maxKeys), String(latest.maxBytes));
      }
      if (idempotencyKey !== null) idempotencyKeys.push(of.idempotency(channel, idempotencyKey));
      if (latest !== noLatest) hashes.push(of.latest(channel));
      // Behind generation, batch and the numberings; hashes behind all idempotency keys.
      const keyAt = idempotencyKey === null ? 0 : 2 + groups.length + idempotencyKeys.length;
      const hashAt = latest === noLatest ? 0 : 2 + groups.length + keyCount + hashes.length;
      const keys = newest[index]?.length ?? 0;
      for (const number of [publications.length, retentionArg, keyAt, hashAt, keys, Number(group.isOfMany)])
        at = packed.writeUInt32BE(number, at);
    }
    const keys = [
      of.generation,
      of.batch(bootId),
      ...groups.map(({ channel }) => of.numbering(channel)),
      ...idempotencyKeys,
      ...hashes,
      ...groups.map(({ channel }) => of.log(channel)),
      of.pubsub,
    ];
    const frameStart = this.#frameStarts[shard] as Buffer;
    const args = (claim: string, number: number) => [
      ...[claim, String(number), randomEpochPart(), packed, packedKeys],
      ...retentions,
      ...[frameStart, ...pieces],
    ];
    return { keys, args };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(Math.max(ms, 0), resolve));
  }

  #at(shard: number): Queue {
    return this.#queues[shard] as Queue;
  }
}

/** The last place of each key: what came before it in the same entry is the newest of nothing. */
function newestOfEach(places: readonly KeyedPlace[]): KeyedPlace[] {
  return [...new Map(places.map((place) => [place.key, place])).values()];
}

function packKeys(places: readonly KeyedPlace[]): Buffer {
  const packed = Buffer.allocUnsafe(places.length * numbersPerKey * 4);
  let at = 0;
  // Lua counts from 1, and an end is within.
  for (const { index, kind, keyStart, keyEnd, payloadStart, payloadEnd } of places)
    for (const number of [
      ...[index + 1, sequencedKinds.indexOf(kind)],
      ...[keyStart + 1, keyEnd, payloadStart + 1, payloadEnd],
    ])
      at = packed.writeUInt32BE(number, at);
  return packed;
}

function batchesOf(groups: readonly AppendGroup[]): AppendBatch[] {
  const batches: AppendBatch[] = [];
  for (const [index, group] of groups.entries()) {
    if (index % maxGroups === 0) batches.push(new AppendBatch());
    batches.at(-1)?.take(group);
  }
  return batches;
}

/** What the script replied: 'done' and three words per group, or one word. */
function readResult(reply: string): GroupResult[] | 'generation' | 'stale' | 'unknown' {
  const [word, ...rest] = reply.split(' ');
  if (word === 'generation' || word === 'stale') return word;
  const results: GroupResult[] = [];
  for (let at = 0; at + 2 < rest.length; at += 3) {
    const [epoch = '', offset, mark] = rest.slice(at, at + 3);
    if (mark === '2') results.push('refused');
    else if (mark === '3') results.push('one by one');
    else results.push({ position: { epoch, offset: Number(offset) }, duplicate: mark === '1' });
  }
  return word === 'done' && results.length > 0 ? results : 'unknown';
}
