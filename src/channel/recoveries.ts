/**
 * What somebody gets of a channel with history when he joins it: what he has missed, or the last publications.
 *
 * It is prepared while the channel goes on: what is far behind is read from the history, page by page, up to where the tail
 * of this node begins (`prepare`). In the turn in which he joins, the tail adds the rest (`standing`): what he has then ends
 * where the room stands, and what is broadcast from then on continues it.
 *
 *     since 4     history  5 6 7 8 9         tail  8 9 10 11 12     room at 12     he gets  5 … 12, then 13
 *
 * In a channel with the latest values he gets these, unless he gets what he has missed: `prepare` sees to it that they are
 * known here.
 */
import type { Bridge } from '../bridge/bridge.ts';
import type { Clock } from '../clock.ts';
import { type History, maxReadBytes } from '../history/history.ts';
import { type Slice, unseen } from '../history/recovery.ts';
import type { HistoryMetrics } from '../metrics/history-metrics.ts';
import type { NotRecovered, Subscription } from '../protocol/messages.ts';
import { Gate } from './gate.ts';
import type { LatestCopy } from './latest-copy.ts';
import type { Position, Retention } from './position.ts';
import type { Publication } from './publication.ts';
import { pagePublications, type SequencedChannel } from './sequenced-channel.ts';
import type { SequencedRooms } from './sequenced-rooms.ts';

/** Reads and heals for one recovery beside those that it takes; more would only be needed if the channel were quicker than its history. */
const spareTurns = 32;

export interface RecoveriesOptions {
  rooms: Pick<SequencedRooms, 'hold' | 'release'>;
  bridge: Pick<Bridge, 'prepare' | 'reaches'>;
  /** `read` may be shared with others who ask the same. */
  history: Pick<History, 'read' | 'last'>;
  retention(channel: string): Retention;
  /** Of one recovery. */
  maxPublications: number;
  maxBytes: number;
  /** Recoveries that read the history at once, and that wait for it; what is over both is told `unavailable`. */
  maxReading: number;
  maxWaiting: number;
  timeoutMs: number;
  /** Memory is short: nothing is read, and who needs it is told `unavailable`. */
  sparesReads: () => boolean;
  clock: Clock;
  metrics: HistoryMetrics;
}

/** Where somebody stands who joins in this turn. */
export interface Standing {
  /** Null while nobody knows. */
  readonly position: Position | null;
  /** Something may be missing that comes as soon as it can be found out. */
  readonly doubtful: boolean;
  /** What he gets before everything that is broadcast from now on. */
  readonly publications: readonly Publication[];
  /** Why that is not what he has missed; null if it is, or he did not ask. */
  readonly refusal: NotRecovered | null;
  /** The latest values there, unless they could not be read; null in a channel that keeps none. */
  readonly latest: LatestCopy | null;
}

/** Somebody who is about to join. */
export class Ticket {
  readonly sequenced: SequencedChannel;
  readonly wish: Subscription;
  /** What was read for him: what lies between his position and `end`. */
  readonly publications: Publication[] = [];
  bytes = 0;
  /** Null as long as the tail alone will do. */
  end: Position | null;
  refusal: NotRecovered | null = null;
  /** The history could not be asked for the last publications: what is here must do. */
  tailMustDo = false;
  /** He has to do without the latest values: they could not be read. */
  withoutLatest = false;

  constructor(sequenced: SequencedChannel, wish: Subscription) {
    this.sequenced = sequenced;
    this.wish = wish;
    this.end = wish.since;
  }

  add(publications: readonly Publication[], end: Position): void {
    for (const publication of publications) {
      this.publications.push(publication);
      this.bytes += publication.content.length;
    }
    this.end = end;
  }
}

export class Recoveries {
  readonly #options: RecoveriesOptions;
  readonly #gate: Gate;
  readonly #maxTurns: number;
  /** Of publications that were read for those who have not joined yet. */
  #heldBytes = 0;
  /** Reads of the last publications that are under way, by channel and count. */
  readonly #lasts = new Map<string, Promise<Slice | null>>();

  constructor(options: RecoveriesOptions) {
    const { maxReading, maxWaiting, maxPublications, maxBytes, clock } = options;
    this.#options = options;
    const pages = Math.ceil(maxPublications / pagePublications) + Math.ceil(maxBytes / maxReadBytes);
    this.#maxTurns = spareTurns + pages;
    this.#gate = new Gate({ maxInside: maxReading, maxWaiting, clock });
  }

  /** Makes ready for somebody who is about to join. Never rejects; whoever gets a ticket must `release` it. */
  async prepare(wish: Subscription): Promise<Ticket> {
    const { rooms, bridge } = this.#options;
    const sequenced = rooms.hold(wish.channel);
    const ticket = new Ticket(sequenced, wish);
    await bridge.prepare(wish.channel);
    await this.collect(ticket);
    return ticket;
  }

  /** Reads what the tail does not have, as far as it is needed. Also for a ticket whose `standing` is `again`. */
  async collect(ticket: Ticket): Promise<void> {
    const { bridge, clock, timeoutMs, metrics } = this.#options;
    const { sequenced, wish } = ticket;
    // While nothing arrives here, the history knows better than the room.
    if (!bridge.reaches(wish.channel)) sequenced.doubt();
    const deadline = clock.now() + timeoutMs;
    if (sequenced.doubtful) await this.#within(timeoutMs, sequenced.settle());
    if (this.standing(ticket) !== 'again') return;
    metrics.recoveriesOpen.value += 1;
    try {
      if (this.#options.sparesReads() || !(await this.#gate.enter(timeoutMs))) {
        this.#cannotRead(ticket);
        ticket.withoutLatest = true;
      } else
        try {
          await this.#readOn(ticket, deadline);
        } finally {
          this.#gate.leave();
        }
    } finally {
      metrics.recoveriesOpen.value -= 1;
    }
  }

  /** Where he stands if he joins in this turn; `again` if `collect` has to be called once more before. */
  standing(ticket: Ticket): Standing | 'again' {
    const standing = this.#missed(ticket);
    return standing === 'again' || this.#lacksLatest(ticket, standing) ? 'again' : standing;
  }

  /** Whether he needs the latest values, and they have to be read first. */
  #lacksLatest({ wish, withoutLatest }: Ticket, { position, refusal, latest }: Standing): boolean {
    if (latest === null || latest.isKnown || withoutLatest || position === null) return false;
    return wish.since === null || refusal !== null;
  }

  /** Where he stands, the latest values aside. */
  #missed(ticket: Ticket): Standing | 'again' {
    const { sequenced, wish, end, refusal } = ticket;
    const { tail, latest } = sequenced;
    const { position } = tail;
    const { doubtful } = sequenced;
    const nothing = (why: NotRecovered | null): Standing => {
      return { position, doubtful, publications: [], refusal: why, latest };
    };
    if (wish.since === null && wish.last === null) return nothing(null);
    if (refusal !== null) return nothing(refusal);
    if (position === null) return nothing(wish.since === null ? null : 'unavailable');
    if (wish.since !== null && !isOffset(wish.since.offset)) return nothing('ahead');
    const count = this.#countOf(wish);
    if (end === null) {
      if (tail.count < count && !ticket.tailMustDo) return 'again';
      const publications = tail.last(count)?.publications ?? [];
      return { position, doubtful, publications, refusal: null, latest };
    }
    const rest = tail.since(end);
    if (rest === null) return 'again';
    const publications = [...ticket.publications, ...rest.publications];
    if (wish.since === null)
      return { position, doubtful, publications: publications.slice(-count), refusal: null, latest };
    return this.#isTooMuch(publications)
      ? nothing('too_much')
      : { position, doubtful, publications, refusal: null, latest };
  }

  /** In the turn in which he has joined and been answered, or when he does not join. */
  release(ticket: Ticket): void {
    const { bridge, rooms } = this.#options;
    const { sequenced } = ticket;
    if (sequenced.doubtful || !bridge.reaches(sequenced.channel)) sequenced.degraded = true;
    this.#empty(ticket);
    rooms.release(sequenced);
  }

  async #readOn(ticket: Ticket, deadline: number): Promise<void> {
    const { clock } = this.#options;
    const isLate = () => clock.now() >= deadline;
    for (let turn = 0; turn < this.#maxTurns && !isLate(); turn += 1) {
      if (this.standing(ticket) !== 'again') return;
      if (this.#missed(ticket) !== 'again') await this.#readLatest(ticket);
      else if (ticket.wish.since === null) await this.#readLast(ticket);
      else await this.#readPage(ticket, ticket.wish.since);
    }
    if (this.#missed(ticket) === 'again') ticket.refusal = isLate() ? 'unavailable' : 'interrupted';
    if (this.standing(ticket) === 'again') ticket.withoutLatest = true;
  }

  async #readLatest(ticket: Ticket): Promise<void> {
    const { sequenced } = ticket;
    await this.#within(this.#options.timeoutMs, sequenced.load());
    if (sequenced.latest?.isKnown !== true) ticket.withoutLatest = true;
  }

  async #readPage(ticket: Ticket, since: Position): Promise<void> {
    const { history, maxPublications } = this.#options;
    const { sequenced, end } = ticket;
    const from = end ?? since;
    const slice = await history.read(sequenced.channel, from, pagePublications);
    if (slice === null) {
      this.#cannotRead(ticket);
      return;
    }
    const fresh = unseen(from, slice);
    if (slice.epoch !== since.epoch) ticket.refusal = 'epoch_changed';
    else if (from.offset > slice.top) ticket.refusal = 'ahead';
    else if (typeof fresh === 'string') ticket.refusal = 'not_kept';
    else {
      this.#add(ticket, fresh, { epoch: slice.epoch, offset: Math.max(slice.offset, from.offset) });
      if (ticket.publications.length > maxPublications || ticket.bytes > this.#options.maxBytes)
        ticket.refusal = 'too_much';
    }
    await this.#meet(sequenced, slice);
  }

  async #readLast(ticket: Ticket): Promise<void> {
    const { sequenced } = ticket;
    const slice = await this.#last(sequenced.channel, this.#countOf(ticket.wish));
    if (slice === null) {
      ticket.tailMustDo = true;
      ticket.end = null;
      return;
    }
    this.#empty(ticket);
    this.#add(ticket, slice.publications, { epoch: slice.epoch, offset: slice.offset });
    await this.#meet(sequenced, slice);
  }

  /** The room must not stand before what was read. */
  async #meet(sequenced: SequencedChannel, slice: Slice): Promise<void> {
    sequenced.prepend(slice);
    const { position } = sequenced.tail;
    if (position?.epoch !== slice.epoch || position.offset < slice.offset)
      await this.#within(this.#options.timeoutMs, sequenced.heal());
  }

  /** One read for all who ask the same at the same time: what is live from before it on makes it whole for each of them. */
  #last(channel: string, count: number): Promise<Slice | null> {
    const key = `${channel}\n${count}`;
    let read = this.#lasts.get(key);
    if (read === undefined) {
      read = this.#options.history.last(channel, count).finally(() => this.#lasts.delete(key));
      this.#lasts.set(key, read);
    } else this.#options.metrics.readsShared.value += 1;
    return read;
  }

  /** Whoever waits for others holds what was read for him: all together no more than all who may read at once. */
  #add(ticket: Ticket, publications: readonly Publication[], end: Position): void {
    const before = ticket.bytes;
    ticket.add(publications, end);
    this.#heldBytes += ticket.bytes - before;
    const { maxBytes, maxReading } = this.#options;
    if (this.#heldBytes <= maxBytes * maxReading) return;
    this.#empty(ticket);
    this.#cannotRead(ticket);
  }

  #empty(ticket: Ticket): void {
    this.#heldBytes -= ticket.bytes;
    ticket.bytes = 0;
    ticket.publications.length = 0;
  }

  /** Waits for something that goes on by itself, but not for longer. */
  #within(timeoutMs: number, promise: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, resolve);
      void promise.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #cannotRead(ticket: Ticket): void {
    if (ticket.wish.since !== null) ticket.refusal = 'unavailable';
    ticket.tailMustDo = true;
    ticket.end = ticket.wish.since;
  }

  #isTooMuch(publications: readonly Publication[]): boolean {
    const { maxPublications, maxBytes } = this.#options;
    if (publications.length > maxPublications) return true;
    let bytes = 0;
    for (const { content } of publications) bytes += content.length;
    return bytes > maxBytes;
  }

  #countOf({ channel, last }: Subscription): number {
    return Math.min(last ?? 0, this.#options.retention(channel).size);
  }
}

function isOffset(offset: number): boolean {
  return Number.isSafeInteger(offset) && offset >= 0;
}
