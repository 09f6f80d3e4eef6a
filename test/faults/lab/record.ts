/**
 * What is kept of a run: one entry for each scenario and runtime, in docs/faults.json, and the tables made of them.
 */

import type { ChannelKind } from './channel-kind.ts';
import type { Run } from './run.ts';
import type { Runtime } from './scenario.ts';

export interface Entry {
  id: string;
  fault: string;
  runtime: Runtime;
  /** `short`: fewer clients and shorter faults. */
  size: 'short' | 'long';
  seed: number;
  /** ISO 8601, a day. */
  date: string;
  seconds: number;
  /** The longest that the lab itself stood still, in milliseconds. */
  stallMs: number;
  kinds: {
    kind: ChannelKind;
    subscribers: number;
    heard: number;
    lost: number;
    lostSilently: number;
    /** Milliseconds, rounded; null where nothing was missing. */
    signMs: number | null;
    /** Milliseconds, rounded; null where nothing was late. */
    caughtUpMs: number | null;
  }[];
  lines: { what: string; seen: string; wanted: string; holds: boolean }[];
}

export function entryOf(run: Run, short: boolean, date: string): Entry {
  return {
    id: run.scenario.id,
    fault: run.scenario.fault,
    runtime: run.runtime,
    size: short ? 'short' : 'long',
    seed: run.seed,
    date,
    seconds: Math.round(run.seconds),
    stallMs: Math.round(run.stallMs),
    kinds: run.kinds.map(({ kind, ledger, lostSilently, signMs, caughtUpMs }) => ({
      kind,
      subscribers: ledger.pages,
      heard: ledger.heard,
      lost: ledger.lost,
      lostSilently,
      signMs: signMs === null ? null : Math.round(signMs),
      caughtUpMs: caughtUpMs === null ? null : Math.round(caughtUpMs),
    })),
    lines: run.lines.map(({ what, seen, wanted, holds }) => ({ what, seen, wanted, holds })),
  };
}

/** The entries with those of new runs in the place of their own older ones, in the order of the scenarios. */
export function merged(
  entries: readonly Entry[],
  fresh: readonly Entry[],
  order: readonly string[],
): Entry[] {
  const kept = entries.filter(
    ({ id, runtime }) => !fresh.some((each) => each.id === id && each.runtime === runtime),
  );
  const rank = ({ id, runtime }: Entry) => order.indexOf(id) * 2 + (runtime === 'bun' ? 0 : 1);
  return [...kept, ...fresh]
    .filter(({ id }) => order.includes(id))
    .sort((one, other) => rank(one) - rank(other));
}

/** The tables of docs/faults.md. */
export function tablesOf(entries: readonly Entry[]): string {
  const rows = entries.flatMap((entry) => {
    const { id, fault, runtime, size, lines } = entry;
    const held = lines.filter((line) => line.holds).length;
    const verdict = `${held} of ${lines.length}`;
    const kinds = entry.kinds.length === 0 ? [null] : entry.kinds;
    return kinds.map((kind) =>
      row([
        id,
        fault,
        runtime === 'bun' ? 'Bun' : 'Node',
        kind?.kind ?? '–',
        kind === null ? '–' : grouped(kind.heard),
        kind === null ? '–' : grouped(kind.lost),
        kind === null ? '–' : `**${grouped(kind.lostSilently)}**`,
        kind === null ? '–' : inSeconds(kind.signMs),
        kind === null ? '–' : inSeconds(kind.caughtUpMs),
        held === lines.length ? verdict : `**${verdict}**`,
        size,
      ]),
    );
  });
  const missed = entries.flatMap(({ id, runtime, lines }) =>
    lines
      .filter(({ holds }) => !holds)
      .map(({ what, seen, wanted }) => `- ${id} on ${runtime}: ${what}: ${seen}, wanted ${wanted}`),
  );
  const dates = [...new Set(entries.map(({ date }) => date))].sort();
  return `${row(['', 'fault', 'runtime', 'channels', 'heard', 'lost', 'lost silently', 'time to honest signal', 'time to caught up', 'lines held', 'size'])}
${row(['---', '---', '---', '---', '--:', '--:', '--:', '--:', '--:', '--:', '---'])}
${rows.join('\n')}

Measured ${dates.length > 1 ? `between ${dates[0]} and ${dates.at(-1)}` : `on ${dates[0]}`}. ${missed.length === 0 ? 'No line was missed.' : `Missed:\n\n${missed.join('\n')}`}
`;
}

const markers = ['<!-- figures: npm run faults -->', '<!-- end of figures -->'] as const;

/** The document with what stands between its markers replaced. */
export function withTables(document: string, tables: string): string {
  const [begin, end] = markers.map((marker) => document.indexOf(marker)) as [number, number];
  if (begin === -1 || end < begin) throw new Error(`the document has no markers ${markers.join(' … ')}`);
  return `${document.slice(0, begin + markers[0].length)}\n\n${tables}\n${document.slice(end)}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function inSeconds(ms: number | null): string {
  return ms === null ? '–' : `${(ms / 1_000).toFixed(2)} s`;
}
