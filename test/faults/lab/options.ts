/**
 * The command line of `npm run faults`.
 */
import { Command, CommanderError } from 'commander';
import { UserError } from '../../../src/errors.ts';
import type { ChannelKind } from './channel-kind.ts';
import type { Runtime } from './scenario.ts';

export interface FaultsOptions {
  short: boolean;
  /** Those that take their time, and no others unless they are named. */
  long: boolean;
  /** How long each of them goes on. */
  minutes: number;
  /** Ids of scenarios; empty means all. */
  only: string[];
  runtimes: Runtime[];
  /** Null: those that the build has. */
  kinds: ChannelKind[] | null;
  seed: number;
  /** Whether docs/faults.md, docs/faults.json and the table of README.md are brought up to date. */
  write: boolean;
}

const help = `
Examples:
  npm run faults                              everything, on both runtimes, as long as the scoreboard says
  npm run faults -- --short                   everything with fewer clients and shorter faults, in eleven minutes
  npm run faults -- --only R3,R4 --runtime bun
  npm run faults -- --long --minutes 60       R19, R22 and R25, an hour each on each runtime
  npm run faults -- --long --only R22 --runtime bun --seed 7

Exit codes: 0 all lines hold, 1 a line is missed, 2 wrong usage.`;

/**
 * Returns the options, or the text to print when help was asked for.
 *
 * @param known ids of the scenarios
 * @throws UserError for wrong usage
 */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
): FaultsOptions | { help: string } {
  let shown = '';
  const command = new Command('npm run faults --')
    .description(
      'Plant faults in a cluster on this machine and see whether anything is lost without a word, and how long the way back takes.',
    )
    .option('--short', 'fewer clients, shorter faults', false)
    .option('--long', 'those that take their time: changing clocks, chaos, churn', false)
    .option('--minutes <number>', 'how long each of these goes on', '30')
    .option('--only <ids>', `some of ${known.join(', ')}`)
    .option('--runtime <name>', 'bun or node; by default first one, then the other')
    .option('--kind <name>', 'channels: plain or history; by default all that this build has')
    .option(
      '--seed <number>',
      'chooses victims and damage; by default another one each time, which is printed',
    )
    .option('--no-write', 'leave docs/faults.md, docs/faults.json and README.md as they are')
    .addHelpText('after', help)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        shown += text;
      },
      writeErr: () => {},
    });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.code === 'commander.helpDisplayed') return { help: shown };
    throw new UserError(`${(error as Error).message}; npm run faults -- --help lists the flags`);
  }
  const { short, long, minutes, only, runtime, kind, seed, write } = command.opts();
  const ids = typeof only === 'string' ? only.split(',') : [];
  for (const id of ids) choice('--only', id, known);
  return {
    short,
    long,
    minutes: minutesOf(minutes),
    only: ids,
    runtimes:
      runtime === undefined ? ['bun', 'node'] : [choice('--runtime', runtime, ['bun', 'node'] as const)],
    kinds: kind === undefined ? null : [choice('--kind', kind, ['plain', 'history'] as const)],
    seed: seed === undefined ? Math.floor(Math.random() * 1e9) : seedOf(seed),
    write,
  };
}

function choice<Word extends string>(flag: string, value: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === value);
  if (found === undefined)
    throw new UserError(`${flag}: "${value}" is not allowed; it must be one of ${words.join(', ')}`);
  return found;
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes >= 0.5 && minutes <= 1_440))
    throw new UserError(`--minutes: "${text}" is not allowed; it must be a number from 0.5 to 1440`);
  return minutes;
}

function seedOf(text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new UserError(`--seed: "${text}" is not allowed; it must be a whole number below 1,000,000,000`);
  return Number(text);
}
