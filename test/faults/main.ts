/**
 * `npm run faults`: plants every fault, says what became of each line, and keeps the figures.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { exitCodes, UserError } from '../../src/errors.ts';
import { kindsOfBuild } from './lab/build.ts';
import type { ChannelKind } from './lab/channel-kind.ts';
import { type FaultsOptions, parseOptions } from './lab/options.ts';
import { type Entry, entryOf, merged, summaryOf, tablesOf, withTables } from './lab/record.ts';
import type { Verdict } from './lab/line.ts';
import { passed, type Run, run, verdictIn } from './lab/run.ts';
import type { Runtime, Scenario } from './lab/scenario.ts';
import { scenarios } from './scenarios/catalogue.ts';

const record = new URL('../../docs/faults.json', import.meta.url);
const page = new URL('../../docs/faults.md', import.meta.url);
const readme = new URL('../../README.md', import.meta.url);

const words: Record<Verdict, string> = { held: 'ok    ', missed: 'MISSED', 'not judged': 'busy  ' };

const ids = scenarios.map(({ id }) => id);
/** Each line begins with the seconds since the start. */
const say = (sentence: string) =>
  console.error(sentence.replace(/^(?=\S)/, `${(performance.now() / 1_000).toFixed(0).padStart(4)} s  `));

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, ids);
  if ('help' in options) {
    console.log(options.help.trimEnd());
    return exitCodes.ok;
  }
  const kinds = options.kinds ?? kindsOfBuild();
  const asked = scenarios.filter(({ id, manner }) =>
    options.only.length === 0 ? (manner === 'long') === options.long : options.only.includes(id),
  );
  const wanted = asked.filter(canBeRun);
  say(`seed ${options.seed}; channels: ${kinds.join(', ')}${options.short ? '; short' : ''}`);
  const runs: Run[] = [];
  for (const runtime of options.runtimes) {
    const all = async (manner: Scenario['manner']) => {
      for (const scenario of wanted)
        if (scenario.manner === manner) runs.push(await runAndTell(scenario, runtime, kinds, options));
    };
    await all('alone');
    await Promise.all([all('works'), all('waits')]);
    await all('long');
  }
  if (options.write) keep(runs, options);
  const missed = runs.filter((each) => !passed(each));
  if (missed.length === 0) {
    say(`\nno line of ${runs.length} runs was missed`);
    return exitCodes.ok;
  }
  say(
    `\nlines were missed: ${missed.map(({ scenario, runtime }) => `${scenario.id} on ${runtime}`).join(', ')}`,
  );
  return exitCodes.failure;
}

function canBeRun({ id, whyNot }: Scenario): boolean {
  const reason = whyNot?.() ?? null;
  if (reason !== null) say(`${id} is left out: ${reason}`);
  return reason === null;
}

async function runAndTell(
  scenario: Scenario,
  runtime: Runtime,
  kinds: readonly ChannelKind[],
  { short, minutes, seed }: FaultsOptions,
): Promise<Run> {
  const name = `${scenario.id} on ${runtime}`;
  say(`${name}: begins: ${scenario.fault}`);
  const finished = await run(scenario, {
    runtime,
    kinds,
    short,
    minutes,
    seed,
    say: (sentence) => say(`${name}: ${sentence}`),
  });
  const lines = finished.lines.map((line) => {
    const { what, seen, wanted } = line;
    return `  ${words[verdictIn(finished, line)]} ${what}: ${seen} (${wanted})`;
  });
  const figures = finished.kinds.map(
    ({ kind, ledger, lostSilently, signMs, caughtUpMs }) =>
      `  ${kind}: ${ledger.heard} heard, ${ledger.lost} lost, ${lostSilently} of them silently; honest signal ${inMs(signMs)}, caught up ${inMs(caughtUpMs)}; ${ledger.gaps} gaps told, ${ledger.falseAlarms} of them false alarms`,
  );
  const { standstillMs, waitMs } = finished.strain;
  const strain = `the lab itself stood still for ${Math.round(standstillMs)} ms, and waited ${Math.round(waitMs)} ms for a core in the worst second`;
  say(`${name}: ${passed(finished) ? 'no line missed' : 'MISSED'}, ${finished.seconds.toFixed(0)} s`);
  say([...lines, ...figures, `  ${strain}`].join('\n'));
  return finished;
}

/** Puts the figures in the place of older ones of the same scenarios and runtimes. */
function keep(runs: readonly Run[], options: FaultsOptions): void {
  const date = new Date().toISOString().slice(0, 10);
  const before = JSON.parse(readFileSync(record, 'utf8')) as { runs: Entry[] };
  const entries = merged(
    before.runs,
    runs.map((each) => entryOf(each, options, date)),
    ids,
  );
  writeFileSync(record, `${JSON.stringify({ runs: entries }, null, 2)}\n`);
  writeFileSync(page, withTables(readFileSync(page, 'utf8'), tablesOf(entries)));
  writeFileSync(readme, withTables(readFileSync(readme, 'utf8'), summaryOf(entries)));
  say(`\nwrote docs/faults.json, docs/faults.md and README.md`);
}

function inMs(ms: number | null): string {
  return ms === null ? '–' : `${Math.round(ms)} ms`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}
