/**
 * What one subscriber made of what was published.
 *
 * The question is not only whether something is missing but whether its receiver knew. A subscriber's page of the ledger
 * holds, per publisher, which numbers came, and in between which signs: a gap, an answer that says `degraded` or
 * `recovered: false`, the end of the connection. A missing message is
 *
 * - **told** if between the last message of its publisher before the hole and the first one behind it there was a sign, or,
 *   where nothing came behind it, any sign later;
 * - **told early** if all these signs came before it was even sent: who then looked what he had missed has missed it again;
 * - **told late** if the first sign came only after something from behind the hole had been delivered;
 * - **silent** if there was none. That is the one thing that must never happen.
 *
 * An answer that says `degraded` counts for all that is missing until something comes again: it tells of a state. That state is over with a
 * gap; where none ever comes, who looked when it began has looked too early, and nobody told him to look again. The end of a
 * connection is a sign only as long as it is not taken back: whoever joins again and hears nothing of a gap has been promised that nothing
 * is missing.
 *
 * Only acknowledged messages can be lost. One that was refused, or whose outcome is unknown, may be missing or arrive.
 */
import type { LabMessage } from './message.ts';

export type Outcome = 'pending' | 'acked' | 'degraded' | 'failed' | 'unknown';

/**
 * - `lost`: the connection ended
 * - `rejoined`: joined again
 * - `degraded`: joined again, and others cannot be heard for now
 * - `gap`: something may be missing here
 */
export type Sign = 'lost' | 'rejoined' | 'degraded' | 'gap';

/** A delivery that took longer than this is not what a healthy cluster does. */
const lateDeliveryMs = 500;
/** A sign behind the hole that came within this time still explains it, as told late. */
const lateSignMs = 5_000;

interface Sent {
  at: number;
  outcome: Outcome;
}

/** What one publisher has sent into one channel; numbers start at 1. */
export class Series {
  readonly sent: Sent[] = [];

  get last(): number {
    return this.sent.length;
  }

  of(number: number): Sent | undefined {
    return this.sent[number - 1];
  }

  /** It was promised to arrive. */
  due(number: number): boolean {
    const outcome = this.of(number)?.outcome;
    return outcome === 'acked' || outcome === 'degraded';
  }
}

/** Numbers that did not come when their successors did. */
interface Hole {
  readonly numbers: Set<number>;
  /** When the message behind it came; infinite while none has. */
  readonly behindAt: number;
  readonly told: Told | null;
}

interface Told {
  /** When the first sign since the message before the hole came. */
  readonly at: number;
  /** What was sent until then is covered by a sign. */
  readonly until: number;
  /** When the state began that also covers it, and that a gap has to end; null if it does not rest on one. */
  readonly stateSince: number | null;
}

/** One publisher as one subscriber heard it. */
interface Heard {
  /** The largest number that has come, or that was sent before the subscriber had joined. */
  last: number;
  /** Numbers up to here are none of its business. */
  readonly since: number;
  readonly holes: Hole[];
  /** Signs that were there when `last` came. */
  signsBefore: number;
}

export interface PageReport {
  heard: number;
  /** Acknowledged, and never arrived. */
  lost: number;
  /** Of these: without any sign, with one only before it was sent, and with one only behind the hole. */
  silent: number;
  toldEarly: number;
  toldLate: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  phantom: number;
  gaps: number;
  /** Gaps although nothing at all is missing in this channel. */
  falseAlarms: number;
  /** From when the first missing message was sent until its receiver had a sign; null if nothing is missing, or nobody told. */
  signMs: number | null;
  /** When the last of these signs came. */
  toldAt: number | null;
  /** When the last missing message was sent. */
  lostUntil: number | null;
  /** When the last message came that was late, filled a hole or stood behind one; null if all was smooth. */
  caughtUpAt: number | null;
}

/** What has been published, by channel and publisher. */
export interface Published {
  series(channel: string, publisher: string): Series | undefined;
  seriesOf(channel: string): Iterable<[string, Series]>;
  publishersOf(channel: string): string[];
}

/** What one subscriber of one channel has heard. */
export class Page {
  readonly channel: string;
  readonly #ledger: Published;
  readonly #publishers = new Map<string, Heard>();
  readonly #signs: { sign: Sign; at: number }[] = [];
  #open = false;
  #heard = 0;
  #duplicated = 0;
  #reordered = 0;
  #corrupted = 0;
  #phantom = 0;
  #caughtUpAt: number | null = null;

  constructor(channel: string, ledger: Published) {
    this.channel = channel;
    this.#ledger = ledger;
  }

  /** Joined for the first time: from now on everything must come. */
  open(): void {
    for (const [publisher, series] of this.#ledger.seriesOf(this.channel))
      this.#publishers.set(publisher, { last: series.last, since: series.last, holes: [], signsBefore: 0 });
    this.#open = true;
  }

  sign(sign: Sign, at: number): void {
    if (this.#open) this.#signs.push({ sign, at });
  }

  heard(message: LabMessage | 'damaged' | null, at: number): void {
    if (!this.#open) return;
    this.#heard += 1;
    if (message === 'damaged') {
      this.#corrupted += 1;
      return;
    }
    const series = message === null ? undefined : this.#ledger.series(this.channel, message.publisher);
    const sent = message === null ? undefined : series?.of(message.number);
    if (message === null || sent === undefined || message.channel !== this.channel) {
      this.#phantom += 1;
      return;
    }
    if (at - sent.at > lateDeliveryMs) this.#caughtUpAt = at;
    this.#place(this.#of(message.publisher), message.number, at);
  }

  /** @param now signs that might still come are given up; call it when everything had its time */
  report(now: number): PageReport {
    let [lost, silent, toldEarly, toldLate] = [0, 0, 0, 0];
    let signMs: number | null = null;
    let toldAt: number | null = null;
    let lostUntil: number | null = null;
    for (const publisher of this.#ledger.publishersOf(this.channel)) {
      const series = this.#ledger.series(this.channel, publisher) as Series;
      const heard = this.#of(publisher);
      for (const hole of [...heard.holes, this.#tail(heard, series)])
        for (const number of hole.numbers) {
          if (!series.due(number)) continue;
          lost += 1;
          const sentAt = series.of(number)?.at ?? now;
          lostUntil = Math.max(lostUntil ?? 0, sentAt);
          const at = hole.told?.at ?? this.#toldLate(hole);
          if (at === null) {
            silent += 1;
            continue;
          }
          if (hole.told === null) toldLate += 1;
          else if (hole.told.until < sentAt || this.#neverEnded(hole)) toldEarly += 1;
          toldAt = Math.max(toldAt ?? 0, at);
          signMs = Math.max(signMs ?? 0, at - sentAt);
        }
    }
    const gaps = this.#signs.filter(({ sign }) => sign === 'gap').length;
    const states = this.#signs.filter(({ sign }) => sign === 'degraded').length;
    return {
      heard: this.#heard,
      lost,
      silent,
      toldEarly,
      toldLate,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      corrupted: this.#corrupted,
      phantom: this.#phantom,
      gaps: gaps + states,
      // That nothing of the others arrives for now is true, whether or not something is missing in the end.
      falseAlarms: lost === 0 ? gaps : 0,
      signMs,
      toldAt,
      lostUntil,
      caughtUpAt: this.#caughtUpAt,
    };
  }

  #of(publisher: string): Heard {
    let heard = this.#publishers.get(publisher);
    if (heard === undefined) {
      heard = { last: 0, since: 0, holes: [], signsBefore: 0 };
      this.#publishers.set(publisher, heard);
    }
    return heard;
  }

  #place(heard: Heard, number: number, at: number): void {
    if (number <= heard.since) return;
    if (number <= heard.last) {
      const hole = heard.holes.find(({ numbers }) => numbers.has(number));
      if (hole === undefined) this.#duplicated += 1;
      else {
        hole.numbers.delete(number);
        this.#reordered += 1;
        this.#caughtUpAt = at;
      }
      return;
    }
    if (number > heard.last + 1) {
      const numbers = new Set<number>();
      for (let missing = heard.last + 1; missing < number; missing += 1) numbers.add(missing);
      heard.holes.push({ numbers, behindAt: at, told: this.#toldSince(heard.signsBefore) });
      this.#caughtUpAt = at;
    }
    heard.last = number;
    heard.signsBefore = this.#signs.length;
  }

  /** What has not come until now, as a hole with nothing behind it. */
  #tail({ last, signsBefore }: Heard, series: Series): Hole {
    const numbers = new Set<number>();
    for (let missing = last + 1; missing <= series.last; missing += 1) numbers.add(missing);
    return { numbers, behindAt: Number.POSITIVE_INFINITY, told: this.#toldSince(signsBefore) };
  }

  /** What the receiver knew by the signs from that index on: gaps, or an end that was not taken back. */
  #toldSince(index: number): Told | null {
    const signs = this.#signs.slice(index);
    const first = signs.find(({ sign }) => sign !== 'rejoined');
    if (first === undefined) return null;
    const stateSince = signs.findLast(({ sign }) => sign === 'degraded')?.at ?? null;
    const endless = stateSince !== null || signs.at(-1)?.sign === 'lost';
    const until = endless ? Number.POSITIVE_INFINITY : signs.findLast(({ sign }) => sign === 'gap')?.at;
    return until === undefined ? null : { at: first.at, until, stateSince };
  }

  /** Something came from behind the hole, so the state is over, and its receiver has not been told until now. */
  #neverEnded({ told, behindAt }: Hole): boolean {
    const since = told?.stateSince ?? null;
    if (since === null || !Number.isFinite(behindAt)) return false;
    return !this.#signs.some(({ sign, at }) => sign === 'gap' && at >= since);
  }

  #toldLate({ behindAt }: Hole): number | null {
    const late = this.#signs.find(({ sign, at }) => sign !== 'rejoined' && at >= behindAt);
    return late === undefined || late.at - behindAt > lateSignMs ? null : late.at;
  }
}
