/**
 * What each receiver could know of what it misses, while the system under it breaks and comes back.
 *
 * A loss is told if a signal came no earlier than the last record before the hole: a message that something may be missing, or
 * the end of the connection. Whoever has a signal can read again from the source; whoever has none goes on with a hole and
 * never knows. A signal from before is none: what came behind it was whole.
 */
import type { HoleWatch } from './tally.ts';

/** A silence this long is told apart from the rhythm of ten messages a second. */
const pauseMs = 500;

/** Times are monotonic milliseconds; null if it never happened. */
export interface SignalCounts {
  /** Receivers that were told by a message that something may be missing, and when the last of them was first told. */
  told: number;
  toldBy: number | null;
  /** Receivers whose connection ended, those of them that came back, and when the last of them was back. */
  cutOff: number;
  back: number;
  backBy: number | null;
  /** Those of them that were told that all they have missed follows. */
  recovered: number;
  /** Receivers that heard nothing for half a second and then heard again, and when the last of them did. */
  paused: number;
  hearAgainBy: number | null;
  /** Records that are missing without a signal, and the receivers that miss them. */
  silent: number;
  silentReceivers: number;
  /** Records that are missing with one. */
  known: number;
}

interface Hole {
  records: number;
  /** When the last record before it came. */
  since: number;
}

interface Receiver {
  lastAt: number;
  /** When the record before the latest came. */
  beforeAt: number;
  signalAt: number;
  toldAt: number | null;
  cutOff: boolean;
  backAt: number | null;
  recovered: boolean;
  longestPauseMs: number;
  pauseEndedAt: number;
  holes: Hole[];
}

export class Signals implements HoleWatch {
  readonly #receivers: Receiver[];

  /** @param now when the first record may come */
  constructor(receivers: number, now: number) {
    this.#receivers = Array.from({ length: receivers }, () => ({
      ...{ lastAt: now, beforeAt: now, signalAt: Number.NEGATIVE_INFINITY, toldAt: null, cutOff: false },
      ...{ backAt: null, recovered: false, longestPauseMs: 0, pauseEndedAt: 0, holes: [] },
    }));
  }

  /** Records came; called before they are looked at. */
  arrived(receiver: number, now: number): void {
    const it = this.#of(receiver);
    const pause = now - it.lastAt;
    if (pause > it.longestPauseMs) {
      it.longestPauseMs = pause;
      it.pauseEndedAt = now;
    }
    it.beforeAt = it.lastAt;
    it.lastAt = now;
  }

  missing(receiver: number, records: number): void {
    const it = this.#of(receiver);
    it.holes.push({ records, since: it.beforeAt });
  }

  late(receiver: number): void {
    const hole = this.#of(receiver).holes.findLast(({ records }) => records > 0);
    if (hole !== undefined) hole.records -= 1;
  }

  told(receiver: number, now: number): void {
    const it = this.#of(receiver);
    it.signalAt = now;
    it.toldAt ??= now;
  }

  cutOff(receiver: number, now: number): void {
    const it = this.#of(receiver);
    it.signalAt = now;
    it.cutOff = true;
  }

  back(receiver: number, now: number): void {
    this.#of(receiver).backAt = now;
  }

  recovered(receiver: number): void {
    this.#of(receiver).recovered = true;
  }

  /** @param tailOf records that are missing at a receiver's end */
  counts(tailOf: (receiver: number) => number): SignalCounts {
    const counts: SignalCounts = {
      ...{
        told: 0,
        toldBy: null,
        cutOff: 0,
        back: 0,
        backBy: null,
        recovered: 0,
        paused: 0,
        hearAgainBy: null,
      },
      ...{ silent: 0, silentReceivers: 0, known: 0 },
    };
    for (const [index, it] of this.#receivers.entries()) {
      let silent = 0;
      for (const { records, since } of [...it.holes, { records: tailOf(index), since: it.lastAt }])
        if (it.signalAt >= since) counts.known += records;
        else silent += records;
      counts.silent += silent;
      if (silent > 0) counts.silentReceivers += 1;
      if (it.toldAt !== null) counts.told += 1;
      if (it.cutOff) counts.cutOff += 1;
      if (it.backAt !== null) counts.back += 1;
      if (it.recovered) counts.recovered += 1;
      counts.toldBy = later(counts.toldBy, it.toldAt);
      counts.backBy = later(counts.backBy, it.backAt);
      if (it.longestPauseMs < pauseMs) continue;
      counts.paused += 1;
      counts.hearAgainBy = later(counts.hearAgainBy, it.pauseEndedAt);
    }
    return counts;
  }

  #of(receiver: number): Receiver {
    return this.#receivers[receiver] as Receiver;
  }
}

/** Those of several processes as one. */
export function addSignals(all: readonly SignalCounts[]): SignalCounts {
  return all.reduce((one, other) => ({
    told: one.told + other.told,
    toldBy: later(one.toldBy, other.toldBy),
    cutOff: one.cutOff + other.cutOff,
    back: one.back + other.back,
    backBy: later(one.backBy, other.backBy),
    recovered: one.recovered + other.recovered,
    paused: one.paused + other.paused,
    hearAgainBy: later(one.hearAgainBy, other.hearAgainBy),
    silent: one.silent + other.silent,
    silentReceivers: one.silentReceivers + other.silentReceivers,
    known: one.known + other.known,
  }));
}

function later(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.max(one, other);
}
