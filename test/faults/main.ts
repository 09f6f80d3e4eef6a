/**
 * `npm run faults`: plants every fault, says what became of each line, and keeps the figures.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { exitCodes, UserError } from '../../src/errors.ts';
import { kindsOfBuild } from './lab/build.ts';
import type { ChannelKind } from './lab/channel-kind.ts';
import { type FaultsOptions, parseOptions } from './lab/options.ts';
import { type Entry, entryOf, merged, tablesOf, withTables } from './lab/record.ts';
import { passed, type Run, run } from './lab/run.ts';
import type { Runtime, Scenario } from './lab/scenario.ts';
import { scenarios } from './scenarios/catalogue.ts';

const record = new URL('../../docs/faults.json', import.meta.url);
const page = new URL('../../docs/faults.md', import.meta.url);

/** A machine on which the lab stands still for this long has too much else to do. */
const tooBusyMs = 250;

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
  const wanted = scenarios.filter(({ id }) => options.only.length === 0 || options.only.includes(id));
  say(`seed ${options.seed}; channels: ${kinds.join(', ')}; ${options.short ? 'short' : 'long'}`);
  const runs: Run[] = [];
  for (const runtime of options.runtimes) {
    const all = async (manner: Scenario['manner']) => {
      for (const scenario of wanted)
        if (scenario.manner === manner) runs.push(await runAndTell(scenario, runtime, kinds, options));
    };
    await all('alone');
    await Promise.all([all('works'), all('waits')]);
  }
  if (options.write) keep(runs, options.short);
  const missed = runs.filter((each) => !passed(each));
  if (missed.length === 0) {
    say(`\nall lines of ${runs.length} runs hold`);
    return exitCodes.ok;
  }
  say(
    `\nlines were missed: ${missed.map(({ scenario, runtime }) => `${scenario.id} on ${runtime}`).join(', ')}`,
  );
  return exitCodes.failure;
}

async function runAndTell(
  scenario: Scenario,
  runtime: Runtime,
  kinds: readonly ChannelKind[],
  { short, seed }: FaultsOptions,
): Promise<Run> {
  const name = `${scenario.id} on ${runtime}`;
  say(`${name}: begins: ${scenario.fault}`);
  const finished = await run(scenario, {
    runtime,
    kinds,
    short,
    seed,
    say: (sentence) => say(`${name}: ${sentence}`),
  });
  const lines = finished.lines.map(
    ({ what, seen, wanted, holds }) => `  ${holds ? 'ok    ' : 'MISSED'} ${what}: ${seen} (${wanted})`,
  );
  const figures = finished.kinds.map(
    ({ kind, ledger, lostSilently, signMs, caughtUpMs }) =>
      `  ${kind}: ${ledger.heard} heard, ${ledger.lost} lost, ${lostSilently} of them silently; honest signal ${inMs(signMs)}, caught up ${inMs(caughtUpMs)}; ${ledger.gaps} gaps told, ${ledger.falseAlarms} of them false alarms`,
  );
  say(`${name}: ${passed(finished) ? 'all lines hold' : 'MISSED'}, ${finished.seconds.toFixed(0)} s`);
  say([...lines, ...figures].join('\n'));
  if (finished.stallMs > tooBusyMs)
    say(
      `  the lab itself stood still for ${Math.round(finished.stallMs)} ms: figures of time may be its own`,
    );
  return finished;
}

/** Puts the figures in the place of older ones of the same scenarios and runtimes. */
function keep(runs: readonly Run[], short: boolean): void {
  const date = new Date().toISOString().slice(0, 10);
  const before = JSON.parse(readFileSync(record, 'utf8')) as { runs: Entry[] };
  const entries = merged(
    before.runs,
    runs.map((each) => entryOf(each, short, date)),
    ids,
  );
  writeFileSync(record, `${JSON.stringify({ runs: entries }, null, 2)}\n`);
  writeFileSync(page, withTables(readFileSync(page, 'utf8'), tablesOf(entries)));
  say(`\nwrote docs/faults.json and docs/faults.md`);
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
