/**
 * Who published what, and what became of it: the pages of all subscribers (`page.ts`) together.
 */
import { type Outcome, Page, type PageReport, type Published, Series } from './page.ts';

/** The publications of all channels, and a page for each subscriber. */
export class Ledger implements Published {
  readonly #channels = new Map<string, Map<string, Series>>();
  readonly pages: Page[] = [];

  /** The number of the next message of this publisher in this channel, which is on its way from now on. */
  publish(channel: string, publisher: string, at: number): number {
    let publishers = this.#channels.get(channel);
    if (publishers === undefined) {
      publishers = new Map();
      this.#channels.set(channel, publishers);
    }
    let series = publishers.get(publisher);
    if (series === undefined) {
      series = new Series();
      publishers.set(publisher, series);
    }
    series.sent.push({ at, outcome: 'pending' });
    return series.last;
  }

  settle(channel: string, publisher: string, number: number, outcome: Outcome): void {
    const sent = this.series(channel, publisher)?.of(number);
    if (sent !== undefined) sent.outcome = outcome;
  }

  page(channel: string): Page {
    const page = new Page(channel, this);
    this.pages.push(page);
    return page;
  }

  series(channel: string, publisher: string): Series | undefined {
    return this.#channels.get(channel)?.get(publisher);
  }

  seriesOf(channel: string): Iterable<[string, Series]> {
    return this.#channels.get(channel) ?? [];
  }

  publishersOf(channel: string): string[] {
    return [...(this.#channels.get(channel)?.keys() ?? [])];
  }

  /** How many messages ended how, in the channels that `of` says yes to. */
  outcomes(of: (channel: string) => boolean = () => true): Record<Outcome, number> {
    const counts: Record<Outcome, number> = { pending: 0, acked: 0, degraded: 0, failed: 0, unknown: 0 };
    for (const [channel, publishers] of this.#channels)
      if (of(channel))
        for (const series of publishers.values()) for (const { outcome } of series.sent) counts[outcome] += 1;
    return counts;
  }

  /** Numbers of this publisher in this channel that were acknowledged. */
  acked(channel: string, publisher: string): number[] {
    const sent = this.series(channel, publisher)?.sent ?? [];
    return sent.flatMap(({ outcome }, index) => (outcome === 'acked' ? [index + 1] : []));
  }

  #refusedUntil(of: (channel: string) => boolean): number | null {
    let last: number | null = null;
    for (const [channel, publishers] of this.#channels)
      if (of(channel))
        for (const { sent } of publishers.values())
          for (const { at, outcome } of sent)
            if (outcome === 'failed' || outcome === 'unknown') last = Math.max(last ?? 0, at);
    return last;
  }

  /** All pages of the channels that `of` says yes to. */
  report(now: number, of: (channel: string) => boolean = () => true): LedgerReport {
    const pages = this.pages.filter(({ channel }) => of(channel)).map((page) => page.report(now));
    const sum = (key: keyof PageReport) => pages.reduce((total, page) => total + (page[key] ?? 0), 0);
    const most = (key: 'signMs' | 'toldAt' | 'lostUntil' | 'caughtUpAt') =>
      pages.reduce<number | null>(
        (max, page) => (page[key] === null ? max : Math.max(max ?? 0, page[key])),
        null,
      );
    return {
      pages: pages.length,
      affected: pages.filter(({ lost }) => lost > 0).length,
      heard: sum('heard'),
      lost: sum('lost'),
      silent: sum('silent'),
      toldEarly: sum('toldEarly'),
      toldLate: sum('toldLate'),
      duplicated: sum('duplicated'),
      reordered: sum('reordered'),
      corrupted: sum('corrupted'),
      phantom: sum('phantom'),
      gaps: sum('gaps'),
      falseAlarms: sum('falseAlarms'),
      signMs: most('signMs'),
      toldAt: most('toldAt'),
      lostUntil: most('lostUntil'),
      caughtUpAt: most('caughtUpAt'),
      outcomes: this.outcomes(of),
      refusedUntil: this.#refusedUntil(of),
    };
  }
}

export interface LedgerReport extends PageReport {
  /** Subscribers times channels, and how many of them miss something. */
  pages: number;
  affected: number;
  outcomes: Record<Outcome, number>;
  /** When the last message was sent that was not acknowledged; null if all were. */
  refusedUntil: number | null;
}
