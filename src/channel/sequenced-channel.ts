/**
 * One channel with history on this node: where its room stands, and how it is brought forward.
 *
 * What the history hands out live continues what came before, and goes to the room at once. When it does not, or something
 * may have been missed without a sign (`doubt`), the channel *heals*: it reads the history behind where it stands, page by
 * page, gives that to the room, and then what came live meanwhile, which waits so long. Subscribers notice nothing. Only
 * what the history does not have any more becomes a gap, with the position behind which it goes on. What is kept of another
 * epoch is new to the room, and follows the gap.
 *
 *     live      7 8    10 11                12            13
 *     room      7 8       (waits: 10 11 12)  9 10 11 12   13
 *     history            read behind 8 ───── 9 10 11
 *
 * In a channel with the latest values subscribers are not told of the gap: what they have is replaced by a *snapshot*, read
 * where the history has it, and the room goes on behind that. If it cannot be read they are told of a gap after all, and are
 * owed the snapshot.
 *
 * What came live before a read was asked must be in the history that the read shows. If it is not, it was not the history
 * that sent it, and it is dropped.
 */
import type { Clock } from '../clock.ts';
import type { History } from '../history/history.ts';
import { RecentTail } from '../history/recent-tail.ts';
import { type Slice, unseen } from '../history/recovery.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import type { HistoryGapReason } from '../protocol/messages.ts';
import type { Gate } from './gate.ts';
import type { Hub } from './hub.ts';
import type { LatestCopy } from './latest-copy.ts';
import { channelPart, offsetBefore, type Position, type SequencedBatch } from './position.ts';
import { WaitingBatches } from './waiting-batches.ts';

/** Of one read; the history also bounds its bytes. */
export const pagePublications = 1_000;
/** Reads after which what is live still does not meet what was read. */
const maxRounds = 5;
/** While live publications wait and the history cannot be asked, it is asked again after this long, and given up at last. */
const pauseMs = 100;
const giveUpAfterMs = 5_000;

export interface SequencedChannelOptions {
  history: Pick<History, 'read' | 'top' | 'latest'>;
  hub: Pick<Hub, 'broadcastSequenced' | 'moveTo' | 'healed' | 'replace'>;
  /** Whether what is published on other nodes arrives now. */
  reaches(channel: string): boolean;
  /** Bounds how many channels heal at once. */
  gate: Gate;
  /** Of the latest publications, and of live ones that wait. */
  maxTailBytes: number;
  clock: Clock;
  metrics: HistoryMetrics;
  /** The tail has grown or shrunk by so many bytes, or the copy of the latest values has changed. */
  onTailBytes(difference: number): void;
}

type Result = keyof HistoryMetrics['heals']['values'];

export class SequencedChannel {
  readonly channel: string;
  /** What of it came last. Its position is where the room stands, with what the hub has pending. */
  readonly tail: RecentTail;
  /** The latest values where the room stands; null in a channel that keeps none. */
  readonly latest: LatestCopy | null;
  /** When something came last. */
  heardAt: number;
  /** Who needs it besides a room. */
  holders = 0;
  /** Somebody listens. */
  isOpen = false;
  /** Resolves when it stands somewhere, or could not find out where; null otherwise. Of whoever opened it. */
  standing: Promise<boolean> | null = null;
  /** Somebody was told that what is published may not arrive now, and has to be told when it does. */
  degraded = false;
  /** When it is compared with the history again. */
  checkAt = Number.POSITIVE_INFINITY;
  readonly #options: SequencedChannelOptions;
  /** Where the room stood when it came to the present epoch. */
  #left: Position | null = null;
  /** Something behind the position may be missing, or there is no position yet. */
  #doubtful = true;
  /** A doubt came up while a heal was under way, which may have read too early to know. */
  #again = false;
  #healing: Promise<boolean> | null = null;
  /** What came live during a heal. */
  readonly #waiting: WaitingBatches;
  #reads = 0;
  #result: Result = 'nothing_missing';
  /** The history was asked in vain, so something may have been missed before there was a position. */
  #askedInVain = false;
  /** Why subscribers are owed a snapshot; null if they are not. */
  #owed: HistoryGapReason | null = null;
  #loading: Promise<boolean> | null = null;
  #closed = false;

  constructor(channel: string, options: SequencedChannelOptions, latest: LatestCopy | null = null) {
    this.channel = channel;
    this.#options = options;
    this.latest = latest;
    this.tail = new RecentTail(options.maxTailBytes);
    this.#waiting = new WaitingBatches(options.maxTailBytes);
    this.heardAt = options.clock.now();
  }

  get doubtful(): boolean {
    return this.#doubtful;
  }

  /** Takes what the history handed out; its bytes are only valid during the call. */
  receive(batch: SequencedBatch): void {
    this.heardAt = this.#options.clock.now();
    if (this.#healing !== null) {
      this.#waiting.add(batch, this.#reads);
      return;
    }
    const { position } = this.tail;
    if (position === null) this.#moveTo({ epoch: batch.epoch, offset: offsetBefore(batch) }, 'epoch_changed');
    else if (typeof unseen(position, batch) === 'string') {
      this.#waiting.add(batch, this.#reads);
      void this.heal();
      return;
    }
    this.#give(batch);
  }

  /** Something may have been missed: whoever asks from now on waits until that is cleared up. */
  doubt(): void {
    this.#doubtful = true;
    this.#again = true;
  }

  /** Resolves when there is no doubt any more, or with false if that could not be found out. */
  settle(): Promise<boolean> {
    if (this.#healing !== null) return this.#healing;
    return this.#doubtful ? this.heal() : Promise.resolve(true);
  }

  /**
   * Compares the channel with its history and brings it forward. Resolves with false if the history could not be asked.
   * Never rejects.
   */
  heal(): Promise<boolean> {
    this.#again = true;
    this.#healing ??= this.#heal().finally(() => {
      this.#healing = null;
    });
    return this.#healing;
  }

  /**
   * Reads the latest values if they are not known here, once for all who ask. Resolves with whether they are known now.
   * Never rejects.
   */
  load(): Promise<boolean> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** Somebody did not get the latest values: everybody gets them as soon as they can be read. */
  owe(): void {
    this.#owed ??= 'not_kept';
    this.#doubtful = true;
    void this.heal();
  }

  /** Takes what was read behind a position into the tail, if it reaches up to it. */
  prepend(slice: Slice): void {
    this.#countingBytes(() => this.tail.prepend(slice));
  }

  /** Forgets the publications and stands where it stood. */
  emptyTail(): void {
    this.#countingBytes(() => this.tail.empty());
  }

  /** Likewise, and forgets the latest values too: they can be read again. */
  makeRoom(): void {
    this.emptyTail();
    this.latest?.forget();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    this.latest?.forget();
    this.#countingBytes(() => this.tail.clear());
  }

  async #load(): Promise<boolean> {
    const { latest } = this;
    for (let round = 0; latest !== null && round < maxRounds && !this.#closed; round += 1) {
      if (latest.isKnown) return true;
      const snapshot = await this.#options.history.latest(this.channel);
      if (snapshot === null) return false;
      // The room must not stand before what was read.
      const { position } = this.tail;
      if (position?.epoch !== snapshot.epoch || position.offset < snapshot.offset) await this.heal();
      const rest = this.tail.since(snapshot);
      if (this.#closed || latest.isKnown || rest === null) continue;
      latest.begin(snapshot.publications);
      latest.take(rest.publications);
      this.#options.onTailBytes(0);
    }
    return latest?.isKnown === true;
  }

  async #heal(): Promise<boolean> {
    const { gate, metrics } = this.#options;
    await gate.enter();
    this.#result = 'nothing_missing';
    try {
      const healed = await this.#catchUp();
      if (!this.#closed) metrics.heals.values[healed ? this.#result : 'unavailable'] += 1;
      return healed;
    } finally {
      gate.leave();
    }
  }

  async #catchUp(): Promise<boolean> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    for (let rounds = 0; !this.#closed; ) {
      this.#again = false;
      const slice = await this.#step();
      if (this.#closed) break;
      if (slice === null) {
        this.#doubtful = true;
        this.#askedInVain = true;
        if (this.#waiting.isEmpty) return false;
        if (clock.now() - startedAt >= giveUpAfterMs) {
          this.#goOnWithWaiting();
          return false;
        }
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
        continue;
      }
      if (slice.offset < slice.top) continue;
      if (!this.#drain()) {
        rounds += 1;
        if (rounds < maxRounds) continue;
        this.#goOnWithWaiting();
      }
      if (this.#waiting.takeOverflow() || this.#again || this.#owesSnapshot) continue;
      this.#doubtful = false;
      this.#tellIfHealed();
      return true;
    }
    return false;
  }

  #tellIfHealed(): void {
    const { hub, reaches } = this.#options;
    if (!this.degraded || !reaches(this.channel)) return;
    this.degraded = false;
    hub.healed(this.channel);
  }

  /** Reads once, and gives the room what that shows; null if the history cannot be asked. */
  async #step(): Promise<Slice | null> {
    const slice = await this.#read();
    if (slice === null || this.#closed) return slice;
    this.#dropForeign(slice);
    if (!this.isOpen) this.#owed = null;
    if (this.latest !== null && this.isOpen) {
      const reason = this.#breakBefore(slice) ?? this.#owed;
      if (reason !== null) return await this.#replace(this.latest, reason);
    }
    this.#take(slice);
    return slice;
  }

  /** Gives the room a snapshot, behind which it stands then. */
  async #replace(latest: LatestCopy, reason: HistoryGapReason): Promise<Slice | null> {
    this.#reads += 1;
    const snapshot = await this.#options.history.latest(this.channel);
    if (snapshot === null || this.#closed) return null;
    const slice = { ...snapshot, publications: [], top: snapshot.offset };
    this.#dropForeign(slice);
    this.#countingBytes(() => this.tail.begin(snapshot));
    latest.begin(snapshot.publications);
    this.#owed = null;
    if (this.#options.hub.replace(this.channel, reason, snapshot)) this.#result = 'snapshot';
    return slice;
  }

  get #owesSnapshot(): boolean {
    return this.latest !== null && this.isOpen && this.#owed !== null;
  }

  async #read(): Promise<Slice | null> {
    const { history } = this.#options;
    const { position } = this.tail;
    if (position !== null) return await this.#readBehind(position);
    this.#reads += 1;
    const top = await history.top(this.channel);
    return top === null ? null : { ...top, publications: [], top: top.offset };
  }

  /** Reads what the room does not have. */
  async #readBehind(position: Position): Promise<Slice | null> {
    this.#reads += 1;
    const slice = await this.#options.history.read(this.channel, position, pagePublications);
    if (slice === null || slice.epoch === position.epoch || this.#closed) return slice;
    return await this.#readBehind({ epoch: slice.epoch, offset: this.#knownOf(slice) });
  }

  /** Up to where the room may know another epoch. */
  #knownOf({ epoch, top }: Slice): number {
    const { position } = this.tail;
    if (this.#left?.epoch === epoch) return this.#left.offset;
    if (position === null || channelPart(position.epoch) !== channelPart(epoch)) return 0;
    const live = this.#waiting.firstOf(epoch);
    return Math.min(position.offset, top, live === undefined ? top : offsetBefore(live));
  }

  /** Why what was read does not continue what the room has; null if it does. */
  #breakBefore(slice: Slice): HistoryGapReason | null {
    const { position } = this.tail;
    if (position === null || slice.epoch !== position.epoch || position.offset > slice.top)
      return 'epoch_changed';
    return typeof unseen(position, slice) === 'string' ? 'not_kept' : null;
  }

  /** Gives the room what was read, or tells why it does not continue what the room has. */
  #take(slice: Slice): void {
    const { epoch, top } = slice;
    const reason = this.#breakBefore(slice);
    if (reason !== null) {
      const begin = Math.min(offsetBefore(slice), top);
      const live = reason === 'epoch_changed' ? this.#waiting.firstOf(epoch) : undefined;
      const waitsBefore = live !== undefined && offsetBefore(live) < begin;
      this.#moveTo({ epoch, offset: waitsBefore ? offsetBefore(live) : begin }, reason);
      if (waitsBefore) return;
    }
    const healed = this.#give(slice);
    if (healed === 0) return;
    this.#options.metrics.publicationsHealed.value += healed;
    if (this.#result === 'nothing_missing') this.#result = 'healed';
  }

  /** Gives the room what waits; false if that does not continue what it has. */
  #drain(): boolean {
    this.#waiting.drain((batch) => {
      const { position } = this.tail;
      if (position === null || typeof unseen(position, batch) === 'string') return false;
      this.#give(batch);
      return true;
    });
    return this.#waiting.isEmpty;
  }

  /** What waits is all there is. */
  #goOnWithWaiting(): void {
    while (!this.#drain()) {
      const batch = this.#waiting.first as SequencedBatch;
      const reason = batch.epoch === this.tail.position?.epoch ? 'not_kept' : 'epoch_changed';
      this.#moveTo({ epoch: batch.epoch, offset: offsetBefore(batch) }, reason);
    }
  }

  /** Drops what came before the read was asked and is not in the history. */
  #dropForeign(slice: Slice): void {
    this.#options.metrics.batchesRejected.value += this.#waiting.dropUnshown(this.#reads, slice);
  }

  /** Gives the room what of a batch it does not have, and returns how much that was. */
  #give(batch: SequencedBatch): number {
    const fresh = this.#countingBytes(() => this.tail.add(batch));
    if (typeof fresh === 'string') return 0;
    this.latest?.take(fresh);
    this.#options.hub.broadcastSequenced(this.channel, fresh);
    return fresh.length;
  }

  #moveTo(position: Position, reason: HistoryGapReason): void {
    const begins = this.tail.position === null && !this.#askedInVain;
    if (position.epoch !== this.tail.position?.epoch) this.#left = this.tail.position;
    this.#countingBytes(() => this.tail.begin(position));
    this.latest?.forget();
    if (!this.#options.hub.moveTo(this.channel, position, reason, begins)) return;
    this.#result = 'gap';
    this.#owed = reason;
  }

  #countingBytes<T>(change: () => T): T {
    const before = this.tail.bytes;
    const result = change();
    this.#options.onTailBytes(this.tail.bytes - before);
    return result;
  }
}
