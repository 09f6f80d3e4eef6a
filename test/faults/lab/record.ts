/**
 * What is kept of a run: one entry for each scenario and runtime, in docs/faults.json, and the tables made of them.
 */

import type { ChannelKind } from './channel-kind.ts';
import type { Verdict } from './line.ts';
import { type Run, verdictIn } from './run.ts';
import type { Runtime } from './scenario.ts';

export interface Entry {
  id: string;
  fault: string;
  runtime: Runtime;
  /** `short`: fewer clients and shorter faults. `long`: as the scoreboard says. Or how long it went on: `30 min`. */
  size: string;
  seed: number;
  /** ISO 8601, a day. */
  date: string;
  seconds: number;
  /** The longest that the lab itself stood still, and how long it waited for a core in the worst second, in milliseconds. */
  standstillMs: number;
  waitMs: number;
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
  lines: { what: string; seen: string; wanted: string; verdict: Verdict }[];
}

export function entryOf(
  run: Run,
  { short, minutes }: { short: boolean; minutes: number },
  date: string,
): Entry {
  const size = short ? 'short' : 'long';
  return {
    id: run.scenario.id,
    fault: run.scenario.fault,
    runtime: run.runtime,
    size: run.scenario.manner === 'long' ? `${minutes} min` : size,
    seed: run.seed,
    date,
    seconds: Math.round(run.seconds),
    standstillMs: Math.round(run.strain.standstillMs),
    waitMs: Math.round(run.strain.waitMs),
    kinds: run.kinds.map(({ kind, ledger, lostSilently, signMs, caughtUpMs }) => ({
      kind,
      subscribers: ledger.pages,
      heard: ledger.heard,
      lost: ledger.lost,
      lostSilently,
      signMs: signMs === null ? null : Math.round(signMs),
      caughtUpMs: caughtUpMs === null ? null : Math.round(caughtUpMs),
    })),
    lines: run.lines.map((line) => {
      const { what, seen, wanted } = line;
      return { what, seen, wanted, verdict: verdictIn(run, line) };
    }),
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
    const count = (wanted: Verdict) => lines.filter(({ verdict }) => verdict === wanted).length;
    const unjudged = count('not judged') === 0 ? '' : `, ${count('not judged')} not judged`;
    const held = `${count('held')} of ${lines.length}${unjudged}`;
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
        count('missed') === 0 ? held : `**${held}**`,
        size,
      ]),
    );
  });
  const listed = (wanted: Verdict) =>
    entries.flatMap(({ id, runtime, lines }) =>
      lines
        .filter(({ verdict }) => verdict === wanted)
        .map(({ what, seen, wanted: demand }) => `- ${id} on ${runtime}: ${what}: ${seen}, wanted ${demand}`),
    );
  const missed = listed('missed');
  const unjudged = listed('not judged');
  const dates = [...new Set(entries.map(({ date }) => date))].sort();
  return `${row(['', 'fault', 'runtime', 'channels', 'heard', 'lost', 'lost silently', 'time to honest signal', 'time to caught up', 'lines held', 'size'])}
${row(['---', '---', '---', '---', '--:', '--:', '--:', '--:', '--:', '--:', '---'])}
${rows.join('\n')}

Measured ${dates.length > 1 ? `between ${dates[0]} and ${dates.at(-1)}` : `on ${dates[0]}`}. ${missed.length === 0 ? 'No line was missed.' : `Missed:\n\n${missed.join('\n')}`}
${unjudged.length === 0 ? '' : `\nNot judged, since the machine was too busy:\n\n${unjudged.join('\n')}\n`}`;
}

/**
 * The table of the README: the three columns, a line for each fault and kind of channels, Bun and Node in one cell. Only of faults in which
 * somebody missed something, or got it late.
 */
export function summaryOf(entries: readonly Entry[]): string {
  const rows = [...new Set(entries.map(({ id }) => id))].flatMap((id) => {
    const of = (runtime: Runtime, kind: ChannelKind) =>
      entries
        .find((entry) => entry.id === id && entry.runtime === runtime)
        ?.kinds.find((each) => each.kind === kind);
    const { fault = '' } = entries.find((entry) => entry.id === id) ?? {};
    return (['plain', 'history'] as const).flatMap((kind) => {
      const both = [of('bun', kind), of('node', kind)];
      const told = both.some((each) => each && (each.lost > 0 || each.caughtUpMs !== null));
      if (!told) return [];
      const cell = (show: (each: Entry['kinds'][number]) => string) =>
        both.map((each) => (each === undefined ? '–' : show(each))).join(' · ');
      return [
        row([
          fault,
          kind,
          cell(({ lost, lostSilently }) => grouped(lost - lostSilently)),
          `**${cell(({ lostSilently }) => grouped(lostSilently))}**`,
          cell(({ signMs }) => inSeconds(signMs)),
          cell(({ caughtUpMs }) => inSeconds(caughtUpMs)),
        ]),
      ];
    });
  });
  return `${row(['fault (Bun · Node)', 'channels', 'lost, and told', 'lost silently', 'time to honest signal', 'time to caught up'])}
${row(['---', '---', '--:', '--:', '--:', '--:'])}
${rows.join('\n')}
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
