/**
 * The history of a node that is alone: the process itself numbers, keeps and hands out, so every step is atomic by nature.
 *
 * The generation of its epochs is random at each start, since nothing outlives the process.
 *
 * Bounds: `size` and `ttlMs` of each channel; `maxBytes` for all payloads together, over which the channels that were quiet
 * longest lose their oldest publications; `maxChannels`, over which the one that was untouched longest is forgotten with its
 * numbering. Latest values are never lost to make room: what would make them larger than `maxBytes` is refused.
 */
import { IdempotencyKeys } from '../channel/idempotency-keys.ts';
import { LatestValues } from '../channel/latest-values.ts';
import {
  isSequenced,
  keptPublications,
  type LatestBounds,
  type Position,
  type Retention,
  type Snapshot,
} from '../channel/position.ts';
import { maxBytesOf, type Publication } from '../channel/publication.ts';
import type { Clock, Timer } from '../clock.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import { randomEpochPart } from './epoch.ts';
import {
  type Appended,
  type History,
  idempotencyTtlMs,
  maxReadBytes,
  numberingTtlMs,
  type ReceiveSequenced,
} from './history.ts';
import type { Slice } from './recovery.ts';

/** How often what has expired is given back; whoever asks earlier is not shown it. */
const sweepEveryMs = 10_000;
/** What a publication takes beside its payload, roughly. */
const publicationOverheadBytes = 64;

export interface MemoryHistoryOptions {
  retention(channel: string): Retention;
  /** Payloads of all channels together. */
  maxBytes: number;
  maxChannels: number;
  /** Keys that are remembered at most; the oldest are forgotten first. */
  maxIdempotencyKeys: number;
  clock: Clock;
  metrics: Pick<HistoryMetrics, 'publicationsAppended' | 'publicationsNotAppended' | 'reads'>;
}

interface Kept {
  readonly publication: Publication;
  /** As it was counted: a publication changes its form when somebody asks for another. */
  readonly bytes: number;
}

/** The numbering of a channel, and what is kept of it. */
interface Channel {
  readonly epoch: string;
  top: number;
  /** The last ones, oldest first: `kept[0]` has the offset `top − kept.length + 1`. */
  readonly kept: Kept[];
  readonly latest: LatestValues;
  expiresAt: number;
  forgottenAt: number;
}

export class MemoryHistory implements History {
  readonly #options: MemoryHistoryOptions;
  readonly #generation = randomEpochPart();
  /** In the order in which they were touched last. */
  readonly #channels = new Map<string, Channel>();
  /** Those of which something is kept, in the order of their last publication. */
  readonly #filled = new Map<string, Channel>();
  readonly #keys: IdempotencyKeys<Position>;
  readonly #sweep: Timer;
  #receive: ReceiveSequenced = () => {};
  #bytes = 0;
  /** Of the latest values of all channels. */
  #latestBytes = 0;
  #stopped = false;

  constructor(options: MemoryHistoryOptions) {
    this.#options = options;
    this.#keys = new IdempotencyKeys({
      clock: options.clock,
      windowMs: idempotencyTtlMs,
      maxKeys: options.maxIdempotencyKeys,
    });
    this.#sweep = options.clock.every(sweepEveryMs, () => this.#forgetExpired());
  }

  /** What is kept of all channels, in bytes at most. */
  get bytes(): number {
    return this.#bytes + this.#latestBytes;
  }

  /** Channels with a numbering. */
  get channels(): number {
    return this.#channels.size;
  }

  start(receive: ReceiveSequenced): void {
    this.#receive = receive;
  }

  async append(
    name: string,
    publications: readonly Publication[],
    idempotencyKey?: string,
  ): Promise<Appended> {
    const { retention, clock, metrics } = this.#options;
    const kept = retention(name);
    if (!isSequenced(kept)) throw new RangeError('a channel without history');
    if (this.#stopped) return { outcome: 'failed' };
    const before = idempotencyKey === undefined ? null : this.#keys.get(name, idempotencyKey);
    if (before !== null) return { outcome: 'confirmed', position: before, duplicate: true };

    const channel = this.#touch(name, kept.ttlMs);
    if (kept.latest !== undefined && !this.#keepLatest(channel, publications, kept.latest)) {
      metrics.publicationsNotAppended.values.too_many_keys += publications.length;
      return { outcome: 'refused' };
    }
    channel.expiresAt = clock.now() + kept.ttlMs;
    channel.top += publications.length;
    for (const publication of publications) {
      const bytes = maxBytesOf(publication.content) + publicationOverheadBytes;
      channel.kept.push({ publication: publication.keepForLong(), bytes });
      this.#bytes += bytes;
    }
    this.#filled.delete(name);
    this.#filled.set(name, channel);
    this.#drop(channel, channel.kept.length - keptPublications(kept));
    this.#stayWithinBytes();

    const position = { epoch: channel.epoch, offset: channel.top };
    if (idempotencyKey !== undefined) this.#keys.set(name, idempotencyKey, position);
    metrics.publicationsAppended.value += publications.length;
    this.#receive(name, { ...position, publications });
    return { outcome: 'confirmed', position, duplicate: false };
  }

  async read(name: string, { epoch, offset }: Position, maxPublications: number): Promise<Slice | null> {
    const channel = this.#look(name);
    if (channel === null) return null;
    if (epoch !== channel.epoch) return nothing(channel);
    const oldest = channel.top - channel.kept.length;
    const skipped = Math.min(Math.max(offset - oldest, 0), channel.kept.length);
    const publications = upToMaxBytes(channel.kept.slice(skipped, skipped + maxPublications));
    return { epoch, offset: oldest + skipped + publications.length, publications, top: channel.top };
  }

  async last(name: string, count: number): Promise<Slice | null> {
    const channel = this.#look(name);
    if (channel === null) return null;
    const newestFirst = channel.kept.slice(Math.max(channel.kept.length - count, 0)).reverse();
    const publications = upToMaxBytes(newestFirst).reverse();
    return { epoch: channel.epoch, offset: channel.top, publications, top: channel.top };
  }

  async top(name: string): Promise<Position | null> {
    const channel = this.#look(name);
    return channel === null ? null : { epoch: channel.epoch, offset: channel.top };
  }

  async latest(name: string): Promise<Snapshot | null> {
    if (this.#options.retention(name).latest === undefined) return null;
    const channel = this.#look(name);
    if (channel === null) return null;
    return { epoch: channel.epoch, offset: channel.top, publications: channel.latest.publications() };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#sweep.cancel();
    this.#channels.clear();
    this.#filled.clear();
    this.#bytes = 0;
    this.#latestBytes = 0;
  }

  /** The channel for somebody who reads it: it gets a numbering, so that what he is told stays true. */
  #look(name: string): Channel | null {
    const kept = this.#options.retention(name);
    if (!isSequenced(kept) || this.#stopped) return null;
    this.#options.metrics.reads.value += 1;
    return this.#touch(name, kept.ttlMs);
  }

  #touch(name: string, ttlMs: number): Channel {
    const now = this.#options.clock.now();
    const known = this.#channels.get(name);
    const channel = known === undefined || known.forgottenAt <= now ? this.#renew(name, known) : known;
    if (channel.expiresAt <= now) this.#empty(name, channel);
    channel.forgottenAt = now + numberingTtlMs(ttlMs);
    this.#channels.delete(name);
    this.#channels.set(name, channel);
    return channel;
  }

  #renew(name: string, old: Channel | undefined): Channel {
    if (old !== undefined) this.#forget(name, old);
    else if (this.#channels.size >= this.#options.maxChannels)
      for (const [untouched, channel] of this.#channels) {
        this.#forget(untouched, channel);
        break;
      }
    const epoch = `${this.#generation}.${randomEpochPart()}`;
    const latest = new LatestValues();
    return { epoch, top: 0, kept: [], latest, expiresAt: Number.POSITIVE_INFINITY, forgottenAt: 0 };
  }

  /** False if there is no room for it. */
  #keepLatest({ latest }: Channel, publications: readonly Publication[], bounds: LatestBounds): boolean {
    const growth = latest.growthBy(publications);
    const fits = growth.bytes <= 0 || this.#latestBytes + growth.bytes <= this.#options.maxBytes;
    if (!fits || !latest.admits(growth, bounds)) return false;
    latest.take(publications);
    this.#latestBytes += growth.bytes;
    return true;
  }

  #stayWithinBytes(): void {
    for (const [name, channel] of this.#filled) {
      while (this.bytes > this.#options.maxBytes && channel.kept.length > 0) this.#drop(channel, 1);
      if (channel.kept.length > 0) return;
      this.#filled.delete(name);
    }
  }

  /** Drops the oldest ones. */
  #drop(channel: Channel, count: number): void {
    if (count <= 0) return;
    for (const { bytes } of channel.kept.splice(0, count)) this.#bytes -= bytes;
  }

  #empty(name: string, channel: Channel): void {
    this.#drop(channel, channel.kept.length);
    this.#filled.delete(name);
  }

  #forget(name: string, channel: Channel): void {
    this.#empty(name, channel);
    this.#latestBytes -= channel.latest.bytes;
    channel.latest.clear();
    this.#channels.delete(name);
  }

  #forgetExpired(): void {
    const now = this.#options.clock.now();
    for (const [name, channel] of this.#channels) {
      if (channel.forgottenAt <= now) this.#forget(name, channel);
      else if (channel.expiresAt <= now) this.#empty(name, channel);
    }
  }
}

function nothing({ epoch, top }: Channel): Slice {
  return { epoch, offset: top, publications: [], top };
}

/** The first ones that fit into an answer; one at least. */
function upToMaxBytes(kept: readonly Kept[]): Publication[] {
  const publications: Publication[] = [];
  let sum = 0;
  for (const { publication, bytes } of kept) {
    sum += bytes;
    if (sum > maxReadBytes && publications.length > 0) break;
    publications.push(publication);
  }
  return publications;
}
