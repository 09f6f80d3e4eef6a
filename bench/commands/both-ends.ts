/**
 * Scenarios of what it costs to publish over HTTP and to hear in a page: `publish` and `browser-cost`.
 */
import type { Command } from 'commander';
import { outOption, positive, wholeFrom } from '../arguments.ts';
import { browserCost } from '../scenarios/browser-cost.ts';
import { publish } from '../scenarios/publish.ts';
import type { Measure } from './measure.ts';

export function addBothEnds(program: Command, measure: Measure): void {
  program
    .command('publish')
    .description('Publishing over HTTP: CPU per request, beside a bare server that parses the same body.')
    .option('--rounds <n>', 'rounds', wholeFrom(1), 7)
    .option('--seconds <n>', 'seconds of each run', positive, 4)
    .addOption(outOption('publish'))
    .action(async ({ rounds, seconds, out }) => {
      await measure(out, (running, reporter) => publish({ rounds, seconds }, running, reporter));
    });

  program
    .command('browser-cost')
    .description('What publications cost the main thread of a page, with the SDK and without.')
    .option('--publications <n>', 'publications of each run', wholeFrom(1), 10_000)
    .option('--rate <n>', 'publications a second', positive, 2_000)
    .option('--rounds <n>', 'rounds', wholeFrom(1), 3)
    .addOption(outOption('browser-cost'))
    .action(async ({ publications, rate, rounds, out }) => {
      await measure(out, (running, reporter) =>
        browserCost({ publications, rate, rounds }, running, reporter),
      );
    });
}
