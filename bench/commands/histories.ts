/**
 * Scenarios of channels that keep something: `history`, `recovery` and `snapshot`.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { outOption, positive, positives, someOf, wholeFrom, wholesFrom } from '../arguments.ts';
import { textRecords } from '../generator/record.ts';
import { history } from '../scenarios/history.ts';
import { historyMemory } from '../scenarios/history-memory.ts';
import { latestMemory } from '../scenarios/latest-memory.ts';
import { recovery } from '../scenarios/recovery.ts';
import { snapshot } from '../scenarios/snapshot.ts';
import { keptByRedis } from '../systems/kept-by-redis.ts';
import { valueKeepers } from '../systems/keeping-values.ts';
import { recoveringSystems } from '../systems/recovering.ts';
import type { Measure } from './measure.ts';

const recoveringNames = recoveringSystems(1).map(({ name }) => name);
const keeperNames = valueKeepers(1, 1).map(({ name }) => name);

export function addHistories(program: Command, measure: Measure): void {
  program
    .command('history')
    .description(
      'Channels with a history beside channels without: CPU of nodes and Redis per publication, memory.',
    )
    .option('--channels <list>', 'numbers of channels', wholesFrom(1), [1, 1_000])
    .option('--rate <list>', 'publications a second, separated by commas', positives, [10_000])
    .option('--size <bytes>', 'bytes of a publication', wholeFrom(textRecords.headerBytes), 100)
    .option('--seconds <n>', 'seconds of each run', positive, 3)
    .option('--warm-up <n>', 'seconds of the same load before, not measured', positive, 2)
    .option('--rounds <n>', 'rounds; seven decide', wholeFrom(1), 1)
    .addOption(outOption('history'))
    .action(async ({ out, channels, rate, size, seconds, warmUp, rounds }) => {
      const options = { channels, rates: rate, recordBytes: size, seconds, warmUpSeconds: warmUp, rounds };
      await measure(out, async (running, reporter) => {
        await historyMemory(size, running, reporter);
        await history({ ...options, systems: keptByRedis() }, running, reporter);
      });
    });

  program
    .command('recovery')
    .description(
      'Everybody is cut off, misses some publications and comes back at once: until all have them.',
    )
    .option('--clients <n>', 'clients', wholeFrom(1), 5_000)
    .option('--channels <n>', 'channels that they are spread over', wholeFrom(1), 1)
    .option('--missed <n>', 'publications that each of them misses', wholeFrom(1), 100)
    .option('--size <bytes>', 'bytes of a publication', wholeFrom(textRecords.headerBytes), 100)
    .option('--rounds <n>', 'rounds', wholeFrom(1), 1)
    .option(
      '--systems <list>',
      `some of ${recoveringNames.join()}`,
      someOf(...recoveringNames),
      recoveringNames,
    )
    .addOption(outOption('recovery'))
    .action(async ({ out, clients, channels, missed, size, rounds, systems: names }) => {
      if (channels > clients) throw new InvalidArgumentError('--channels must not be above --clients');
      const systems = recoveringSystems(missed + 100).filter(({ name }) => names.includes(name));
      const options = { clients, channels, missed, recordBytes: size, rounds, systems };
      await measure(out, (running, reporter) => recovery(options, running, reporter));
    });

  program
    .command('snapshot')
    .description(
      'Many subscribe at once to a channel with the newest values of its keys: until all have them.',
    )
    .option('--clients <n>', 'new subscribers', wholeFrom(1), 1_000)
    .option('--keys <n>', 'keys of the channel', wholeFrom(1), 1_000)
    .option('--size <bytes>', 'bytes of a value', wholeFrom(textRecords.headerBytes), 100)
    .option('--rounds <n>', 'rounds', wholeFrom(1), 3)
    .option('--systems <list>', `some of ${keeperNames.join()}`, someOf(...keeperNames), keeperNames)
    .addOption(outOption('snapshot'))
    .action(async ({ out, clients, keys, size, rounds, systems: names }) => {
      const systems = valueKeepers(keys, size).filter(({ name }) => names.includes(name));
      const options = { clients, keys, recordBytes: size, rounds, systems };
      await measure(out, async (running, reporter) => {
        await latestMemory(keys, size, running, reporter);
        await snapshot(options, running, reporter);
      });
    });
}
