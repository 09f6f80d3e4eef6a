/**
 * Scenarios of connections that say nothing: `idle` and `million`.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { oneOf, outOption, positive, systemsOption, wholeFrom, wholesFrom } from '../arguments.ts';
import { textRecords } from '../generator/record.ts';
import { idle, idleSystems } from '../scenarios/idle.ts';
import { million } from '../scenarios/million/million.ts';
import { vias } from '../systems/haproxy-fleet.ts';
import type { Codec, Runtime } from '../systems/system.ts';
import type { Measure } from './measure.ts';

export function addConnections(program: Command, measure: Measure): void {
  program
    .command('idle')
    .description('Connections that say nothing: memory of one, handshakes a second, beside a bare server.')
    .option('--from <n>', 'connections at the lower end of the slope', wholeFrom(1), 5_000)
    .option('--to <n>', 'connections at its upper end', wholeFrom(2), 15_000)
    .option('--rounds <n>', 'rounds; five decide', wholeFrom(1), 2)
    .addOption(systemsOption(idleSystems))
    .addOption(outOption('idle'))
    .action(async ({ from, to, rounds, systems: chosen, out }) => {
      if (to <= from) throw new InvalidArgumentError('--to must be above --from');
      await measure(out, (running, reporter) =>
        idle({ from, to, rounds, systems: chosen }, running, reporter),
      );
    });

  program
    .command('million')
    .description('Very many connections to one Outcry, then a publication for all: time, memory, CPU.')
    .option('--clients <n>', 'connections', wholeFrom(1), 1_000_000)
    .option('--via <what>', 'haproxy, haproxy-l4 or haproxy-tls', oneOf(...vias))
    .option('--workers <n>', 'processes of Outcry; as many as the limit of descriptors demands', wholeFrom(1))
    .option('--runtime <name>', 'bun or node', oneOf<Runtime>('bun', 'node'), 'bun')
    .option('--codec <name>', 'raw, json or msgpack', oneOf<Codec>('raw', 'json', 'msgpack'), 'msgpack')
    .option('--size <list>', 'bytes of publications', wholesFrom(textRecords.headerBytes), [100, 1_000])
    .option('--broadcasts <n>', 'publications of each size', wholeFrom(1), 3)
    .option('--idle-seconds <n>', 'for which nothing is said', positive, 20)
    .option('--no-reference', 'leaves out what a delivery costs with a thousand subscribers')
    .option('--idle-timeout-ms <n>', 'of Outcry, which pings every two thirds of it', wholeFrom(300), 40_000)
    .addOption(outOption('million'))
    .action(async ({ out, size, idleTimeoutMs, via = null, workers = null, ...options }) => {
      const flags = ['--idle-timeout-ms', String(idleTimeoutMs)];
      const all = { ...options, via, workers, sizes: size, flags };
      await measure(out, (running, reporter) => million(all, running, reporter));
    });
}
