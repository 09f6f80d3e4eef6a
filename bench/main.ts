/**
 * `npm run bench -- SCENARIO [flags]`: runs a scenario, prints a table, writes every figure to a JSON file.
 */
import { Command, InvalidArgumentError } from 'commander';
import { Reporter } from './report/reporter.ts';
import { bridge } from './scenarios/bridge.ts';
import { publish } from './scenarios/publish.ts';

const program = new Command('npm run bench --').description(
  'Measures Outcry and its peers on this machine. Figures are ratios of things that ran in turn; see docs/benchmarks.md.',
);

program
  .command('bridge')
  .description('Two nodes through Redis: publications per command, added latency, intake.')
  .option('--rounds <n>', 'rounds of each row', positive, 3)
  .option('--seconds <n>', 'seconds of each round', positive, 4)
  .option('--out <file>', 'where the figures go', 'bench/results/bridge.json')
  .action(async ({ rounds, seconds, out }) => {
    const reporter = new Reporter(`npm run bench -- bridge --rounds ${rounds} --seconds ${seconds}`);
    await bridge({ rounds, seconds }, reporter);
    reporter.print();
    reporter.write(out);
  });

program
  .command('publish')
  .description('Publishing over HTTP: CPU per request, beside a bare server that parses the same body.')
  .option('--rounds <n>', 'rounds', positive, 7)
  .option('--seconds <n>', 'seconds of each run', positive, 4)
  .option('--out <file>', 'where the figures go', 'bench/results/publish.json')
  .action(async ({ rounds, seconds, out }) => {
    const reporter = new Reporter(`npm run bench -- publish --rounds ${rounds} --seconds ${seconds}`);
    await publish({ rounds, seconds }, reporter);
    reporter.print();
    reporter.write(out);
  });

await program.parseAsync();
process.exit(0);

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('it must be a number above 0');
  return number;
}
