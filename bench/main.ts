/**
 * `npm run bench -- SCENARIO [flags]`: runs a scenario, prints a table, writes every figure to a JSON file. However it
 * ends, nothing that it has started is left running.
 */
import { Command } from 'commander';
import { UserError } from '../src/errors.ts';
import { addBetweenNodes } from './commands/between-nodes.ts';
import { addBothEnds } from './commands/both-ends.ts';
import { addConnections } from './commands/connections.ts';
import { addDeliveries } from './commands/deliveries.ts';
import { addHistories } from './commands/histories.ts';
import { measuring } from './commands/measure.ts';
import { addReports } from './commands/reports.ts';
import { setUp } from './setup.ts';
import { stopWhenInterrupted } from './systems/interrupted.ts';
import { Running } from './systems/running.ts';

const running = new Running();
const interrupted = stopWhenInterrupted(running);
const measure = measuring(running, `npm run bench -- ${process.argv.slice(2).join(' ')}`);

const program = new Command('npm run bench --').description(
  'Measures Outcry and its peers on this machine. Figures are ratios of things that ran in turn; see docs/benchmarks.md.',
);

program
  .command('setup')
  .description(
    'Installs the servers that Outcry is measured beside, where Debian has them, and builds the one in Go.',
  )
  .action(async () => {
    process.exitCode = await setUp();
  });

addDeliveries(program, measure);
addConnections(program, measure);
addBetweenNodes(program, measure);
addHistories(program, measure);
addBothEnds(program, measure);
addReports(program);

try {
  await program.parseAsync();
  await running.stopAll();
  process.exit(0);
} catch (error) {
  // What was interrupted fails in many ways; the signal's handler has the last word.
  if (interrupted()) await new Promise(() => {});
  await running.stopAll();
  const words =
    error instanceof UserError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`\nbench: ${words}\n`);
  process.exit(1);
}
