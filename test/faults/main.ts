/**
 * `npm run faults`: plants every fault, says what became of each line, and keeps the figures.
 */
import { exitCodes, UserError } from '../../src/errors.ts';
import { type FaultsOptions, parseOptions } from './lab/options.ts';
import { passed, type Run, run } from './lab/run.ts';
import type { Runtime, Scenario } from './lab/scenario.ts';
import { scenarios } from './scenarios/catalogue.ts';

const say = (sentence: string) => console.error(sentence);

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(
    args,
    scenarios.map(({ id }) => id),
  );
  if ('help' in options) {
    console.log(options.help.trimEnd());
    return 0;
  }
  say(`seed ${options.seed}`);
  const runs: Run[] = [];
  for (const runtime of options.runtimes)
    for (const scenario of scenarios.filter(
      ({ id }) => options.only.length === 0 || options.only.includes(id),
    ))
      runs.push(await runAndTell(scenario, runtime, options));
  const missed = runs.filter((each) => !passed(each));
  say(
    missed.length === 0
      ? `all ${runs.length} hold`
      : `missed: ${missed.map(({ scenario, runtime }) => `${scenario.id} on ${runtime}`).join(', ')}`,
  );
  return missed.length === 0 ? 0 : 1;
}

async function runAndTell(
  scenario: Scenario,
  runtime: Runtime,
  { short, kinds, seed }: FaultsOptions,
): Promise<Run> {
  const { id, fault } = scenario;
  say(`\n${id} on ${runtime}: ${fault}`);
  const finished = await run(scenario, {
    runtime,
    kinds: kinds ?? ['plain'],
    short,
    seed,
    say: (sentence) => say(`  · ${sentence}`),
  });
  for (const { what, seen, wanted, holds } of finished.lines)
    say(`  ${holds ? 'ok    ' : 'MISSED'} ${what}: ${seen} (${wanted})`);
  for (const { kind, ledger } of finished.kinds) say(`  ${kind}: ${JSON.stringify(ledger)}`);
  say(`  ${finished.seconds.toFixed(1)} s`);
  return finished;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = exitCodes.usage;
}
