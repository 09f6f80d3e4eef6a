/**
 * Scenarios of what lies between two nodes: `bridge` and `relay`.
 */
import type { Command } from 'commander';
import { outOption, positive, positives, wholeFrom } from '../arguments.ts';
import { bridge } from '../scenarios/bridge.ts';
import { relay } from '../scenarios/relay.ts';
import type { Measure } from './measure.ts';

export function addBetweenNodes(program: Command, measure: Measure): void {
  program
    .command('bridge')
    .description('Two nodes through Redis: publications per command, added latency, intake.')
    .option('--rounds <n>', 'rounds of each row', wholeFrom(1), 3)
    .option('--seconds <n>', 'seconds of each round', positive, 4)
    .addOption(outOption('bridge'))
    .action(async ({ rounds, seconds, out }) => {
      await measure(out, (running, reporter) => bridge({ rounds, seconds }, running, reporter));
    });

  program
    .command('relay')
    .description('A worker behind the relay of its host beside a node of its own: added latency.')
    .option('--rate <list>', 'publications a second, separated by commas', positives, [1_000, 10_000])
    .option('--rounds <n>', 'rounds of each row; seven decide', wholeFrom(1), 3)
    .option('--seconds <n>', 'seconds of each round', positive, 3)
    .addOption(outOption('relay'))
    .action(async ({ rate, rounds, seconds, out }) => {
      await measure(out, (running, reporter) => relay({ rates: rate, rounds, seconds }, running, reporter));
    });
}
