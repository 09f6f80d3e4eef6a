/**
 * `npm run bench -- SCENARIO [flags]`: runs a scenario, prints a table, writes every figure to a JSON file. However it
 * ends, nothing that it has started is left running.
 */
import { constants } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { textRecords } from './generator/record.ts';
import { Reporter } from './report/reporter.ts';
import { bridge } from './scenarios/bridge.ts';
import { fanout } from './scenarios/fanout.ts';
import { idle } from './scenarios/idle.ts';
import { catalogue, systemNamed } from './systems/catalogue.ts';
import { Running } from './systems/running.ts';
import type { System } from './systems/system.ts';

const running = new Running();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, async () => {
    if (interrupted) return;
    interrupted = true;
    process.stderr.write('\nstopping what was started\n');
    await running.stopAll();
    process.exit(128 + constants.signals[signal]);
  });

const program = new Command('npm run bench --').description(
  'Measures Outcry and its peers on this machine. Figures are ratios of things that ran in turn; see docs/benchmarks.md.',
);

program
  .command('fanout')
  .description('One publisher, many subscribers: CPU per delivery and latency, beside bare publish.')
  .option('--clients <n>', 'subscribers', wholeFrom(1), 1_000)
  .option('--rate <list>', 'messages a second, separated by commas', positives, [100, 500])
  .option('--size <bytes>', 'bytes of a message', wholeFrom(textRecords.headerBytes), 100)
  .option('--seconds <n>', 'seconds of each run', positive, 5)
  .option('--warm-up <n>', 'seconds of the same load before, not measured', positive, 1)
  .option('--rounds <n>', 'rounds', wholeFrom(1), 5)
  .addOption(systemsOption(catalogue))
  .option('--out <file>', 'where the figures go', 'bench/results/fanout.json')
  .action(async ({ clients, rate, size, seconds, warmUp, rounds, systems: chosen, out }) => {
    await report(out, (reporter) =>
      fanout(
        { clients, rates: rate, recordBytes: size, seconds, warmUpSeconds: warmUp, rounds, systems: chosen },
        running,
        reporter,
      ),
    );
  });

program
  .command('idle')
  .description('Connections that say nothing: memory of one, handshakes a second, beside a bare server.')
  .option('--from <n>', 'connections at the lower end of the slope', wholeFrom(1), 5_000)
  .option('--to <n>', 'connections at its upper end', wholeFrom(2), 15_000)
  .option('--rounds <n>', 'rounds', wholeFrom(1), 5)
  .addOption(systemsOption(catalogue.filter(({ isOurs, name, bare }) => isOurs || name === bare)))
  .option('--out <file>', 'where the figures go', 'bench/results/idle.json')
  .action(async ({ from, to, rounds, systems: chosen, out }) => {
    if (to <= from) throw new InvalidArgumentError('--to must be above --from');
    await report(out, (reporter) => idle({ from, to, rounds, systems: chosen }, running, reporter));
  });

program
  .command('bridge')
  .description('Two nodes through Redis: publications per command, added latency, intake.')
  .option('--rounds <n>', 'rounds of each row', wholeFrom(1), 3)
  .option('--seconds <n>', 'seconds of each round', positive, 4)
  .option('--out <file>', 'where the figures go', 'bench/results/bridge.json')
  .action(async ({ rounds, seconds, out }) => {
    await report(out, (reporter) => bridge({ rounds, seconds }, running, reporter));
  });

try {
  await program.parseAsync();
  await running.stopAll();
  process.exit(0);
} catch (error) {
  // What was interrupted fails in many ways; the signal's handler has the last word.
  if (interrupted) await new Promise(() => {});
  await running.stopAll();
  process.stderr.write(`\nbench: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}

async function report(out: string, scenario: (reporter: Reporter) => Promise<void>): Promise<void> {
  const reporter = new Reporter(`npm run bench -- ${process.argv.slice(2).join(' ')}`);
  await scenario(reporter);
  reporter.print();
  reporter.write(out);
}

function systemsOption(usual: readonly System[]): Option {
  return new Option('--systems <list>', `some of ${namesOf(catalogue)}`)
    .argParser(systems)
    .default(usual, usual === catalogue ? 'all' : namesOf(usual));
}

function namesOf(some: readonly System[]): string {
  return some.map(({ name }) => name).join(',');
}

function systems(text: string): System[] {
  try {
    return text.split(',').map(systemNamed);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function positives(text: string): number[] {
  return text.split(',').map(positive);
}

function wholeFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least)
      throw new InvalidArgumentError(`it must be a whole number, at least ${least}`);
    return number;
  };
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('it must be a number above 0');
  return number;
}
