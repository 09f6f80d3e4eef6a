/**
 * Everything that stands on the page of a report, as words and numbers: no markup, and nothing that is not in the file.
 */
import { type Chart, chartsOf } from './chart.ts';
import { again, figuresOf, loadText, placeOf } from './figures.ts';
import { spreadOf } from './ratio.ts';
import { type Report, scenarioOf, textAt } from './report.ts';
import { columnsOf } from './text-table.ts';

/** How a row or an outcome is to be taken at a glance. */
export type Mark = 'met' | 'missed' | 'undecided' | 'generator-bound' | 'behind' | 'invalid' | '';

export interface PageTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly mark: Mark }[];
}

export interface Term {
  readonly name: string;
  readonly text: string;
}

export interface PageData {
  readonly scenario: string;
  readonly startedAt: string;
  readonly command: string;
  /** One sentence each: how many bars were met, how many rows do not count in full. */
  readonly summary: readonly string[];
  readonly charts: readonly Chart[];
  readonly bars: PageTable | null;
  readonly tables: readonly PageTable[];
  /** What the two runs of a bare system in each round are apart. */
  readonly spread: PageTable | null;
  readonly machine: readonly Term[];
  readonly versions: readonly Term[];
  /** How each system was started. */
  readonly commands: readonly Term[];
  /** Who ran when: one line for each round of each load. */
  readonly order: readonly Term[];
  readonly notes: readonly string[];
}

/** The table in which every scenario puts its promises. */
const barsTitle = 'bars';
const marks: readonly Mark[] = ['met', 'missed', 'undecided', 'generator-bound', 'behind', 'invalid'];

export function pageDataOf(report: Report): PageData {
  const tables = Object.entries(report.tables).map(([title, rows]) => tableOf(title, rows));
  const bars = tables.find(({ title }) => title === barsTitle) ?? null;
  const others = tables.filter((table) => table !== bars);
  return {
    scenario: scenarioOf(report),
    startedAt: report.startedAt,
    command: report.command,
    summary: summaryOf(bars, others),
    charts: chartsOf(report),
    bars,
    tables: others,
    spread: spreadTableOf(report),
    machine: machineOf(report),
    versions: Object.entries(report.versions ?? {}).map(([name, text]) => ({ name, text })),
    commands: commandsOf(report),
    order: orderOf(report),
    notes: report.notes,
  };
}

function tableOf(title: string, rows: readonly Record<string, string>[]): PageTable {
  const columns = verdictInSight(columnsOf(rows));
  return {
    title,
    columns,
    rows: rows.map((row) => ({ cells: columns.map((name) => row[name] ?? ''), mark: markOf(row) })),
  };
}

/** A wide table is cut at the right on most screens, and without its verdict a figure says nothing. */
function verdictInSight([first, ...others]: readonly string[]): string[] {
  const verdicts = others.filter((name) => name === 'verdict');
  return [first ?? '', ...verdicts, ...others.filter((name) => name !== 'verdict')];
}

/** `generator-bound 2/5` is marked as `generator-bound`. */
function markOf({ outcome = '', verdict = '' }: Record<string, string>): Mark {
  const word = (outcome || verdict).split(' ')[0];
  return marks.find((mark) => mark === word) ?? '';
}

function summaryOf(bars: PageTable | null, tables: readonly PageTable[]): string[] {
  const rows = tables.flatMap((table) => table.rows);
  const outcomes = countsOf(bars?.rows ?? [], ['met', 'missed', 'undecided']);
  const verdicts = countsOf(rows, ['generator-bound', 'behind', 'invalid']);
  return [
    ...(bars === null ? [] : [`Bars: ${outcomes.join(', ')}.`]),
    ...(verdicts.length === 0 ? [] : [`Of ${rows.length} rows: ${verdicts.join(', ')}.`]),
  ];
}

function countsOf(rows: PageTable['rows'], of: readonly Mark[]): string[] {
  return of
    .map((mark) => ({ mark, count: rows.filter((row) => row.mark === mark).length }))
    .filter(({ count }) => count > 0)
    .map(({ mark, count }) => `${count} ${mark}`);
}

function spreadTableOf(report: Report): PageTable | null {
  const figures = figuresOf(report);
  const seconds = figures.filter(({ system }) => system.endsWith(again));
  if (seconds.length === 0) return null;
  const rows = new Map<string, Record<string, string>>();
  for (const second of seconds) {
    const system = second.system.slice(0, -again.length);
    const first = figures.find(
      (each) => each.metric === second.metric && each.at === second.at && each.system === system,
    );
    if (first === undefined) continue;
    const load = loadText(report, second.at);
    const row = rows.get(`${load} ${system}`) ?? { ...(load && { load }), system };
    const spread = spreadOf(
      second.runs.map(({ value }) => value),
      first.runs.map(({ value }) => value),
    );
    row[second.metric.name] = Number.isNaN(spread) ? '–' : `±${(spread * 100).toFixed(1)} %`;
    rows.set(`${load} ${system}`, row);
  }
  return tableOf('A/A', [...rows.values()]);
}

function machineOf({ machine, seconds }: Report): Term[] {
  const { cpu, cores, memoryBytes, kernel } = machine;
  return [
    { name: 'CPU', text: cpu },
    { name: 'cores', text: String(cores) },
    { name: 'memory', text: `${(memoryBytes / 2 ** 30).toFixed(1)} GiB` },
    { name: 'kernel', text: kernel },
    ...(seconds === undefined ? [] : [{ name: 'time taken', text: `${Math.round(seconds)} s` }]),
  ];
}

function commandsOf({ raw }: Report): Term[] {
  const commands = new Map<string, string>();
  for (const run of raw) {
    const system = textAt(run, 'system');
    const command = textAt(run, 'command');
    if (command !== '' && !system.endsWith(again)) commands.set(system, command);
  }
  return [...commands].map(([name, text]) => ({ name, text }));
}

function orderOf(report: Report): Term[] {
  const rounds = new Map<string, string[]>();
  for (const raw of report.raw) {
    const place = placeOf(report, raw);
    if (place === null || typeof raw.round !== 'number') continue;
    const name = [loadText(report, place.at), `round ${raw.round + 1}`].filter(Boolean).join(', ');
    const order = rounds.get(name) ?? [];
    order.push(place.system);
    rounds.set(name, order);
  }
  return [...rounds].map(([name, systems]) => ({ name, text: systems.join(' → ') }));
}
