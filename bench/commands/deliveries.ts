/**
 * Scenarios in which a publisher speaks and many hear it: `fanout`, `ticker`, `rooms`, `slow`, `reconnect`, `cluster` and
 * `compression`.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { oneOf, outOption, positive, positives, someOf, wholeFrom, wholesFrom } from '../arguments.ts';
import { textRecords } from '../generator/record.ts';
import { cluster } from '../scenarios/cluster.ts';
import { compression } from '../scenarios/compression.ts';
import { fanout } from '../scenarios/fanout.ts';
import { misbehaving } from '../scenarios/misbehaving.ts';
import { rooms } from '../scenarios/rooms.ts';
import { ticker } from '../scenarios/ticker.ts';
import { systemNamed } from '../systems/catalogue.ts';
import { clusters } from '../systems/clusters.ts';
import { plainAndCompressed } from '../systems/compressed.ts';
import type { Codec, Runtime } from '../systems/system.ts';
import type { Measure } from './measure.ts';
import { sweeping, sweepOptions } from './sweep-flags.ts';

const ours = ['outcry-bun', 'outcry-bun-json', 'outcry-bun-msgpack'].map(systemNamed);
const windows = ['bun-5ms', 'bun-20ms'].map(systemNamed);
const bare = systemNamed('bare-bun');
const clusterNames = clusters('bun', 'msgpack').map(({ name }) => name);
const peers = ['ws', 'socket.io', 'nats'].map(systemNamed);

export function addDeliveries(program: Command, measure: Measure): void {
  sweeping(program, 'fanout', [10, 100, 500, 3_000, 10_000, 15_000], 2, [bare, ...ours])
    .description('One publisher, many subscribers, one room: CPU per delivery and latency at each rate.')
    .action(async ({ out, ...options }) => {
      await measure(out, (running, reporter) => fanout(sweepOptions(options), running, reporter));
    });

  sweeping(program, 'ticker', [10_000], 5, [
    bare,
    ...windows,
    ...ours.filter(({ manyChannels }) => manyChannels),
  ])
    .description('Market data: many channels, some much busier, subscribers that hear a few dozen each.')
    .option('--channels <n>', 'channels', wholeFrom(1), 2_000)
    .option('--per-subscriber <n>', 'channels of each subscriber', wholeFrom(1), 50)
    .action(async ({ out, channels, perSubscriber, ...options }) => {
      if (perSubscriber > channels)
        throw new InvalidArgumentError('--per-subscriber must not be above --channels');
      await measure(out, (running, reporter) =>
        ticker({ ...sweepOptions(options, true), channels, perSubscriber }, running, reporter),
      );
    });

  sweeping(program, 'rooms', [1_000], 3, [bare, ...ours.filter(({ manyChannels }) => manyChannels)])
    .description('Chat: ever more rooms of ten people each, as many publications whatever their number.')
    .option('--rooms <list>', 'numbers of rooms', wholesFrom(1), [1, 100, 10_000, 100_000])
    .action(async ({ out, rooms: counts, ...options }) => {
      await measure(out, (running, reporter) =>
        rooms({ ...sweepOptions(options, true), rooms: counts }, running, reporter),
      );
    });

  sweeping(program, 'slow', [5_000], 6, [bare, ...ours, ...peers], { clients: 100, size: 1_000 })
    .description(
      'One subscriber in a hundred stops reading and stays: what the others notice, and what it costs.',
    )
    .action(async ({ out, ...flags }) => {
      const options = { ...sweepOptions(flags), how: 'stop reading', share: 0.01 } as const;
      await measure(out, (running, reporter) => misbehaving('slow', options, running, reporter));
    });

  sweeping(program, 'reconnect', [20], 5, [bare, ...ours, ...peers], { clients: 2_000, size: 100 })
    .description(
      'Half of all subscribers leave and come back at once: when all are back, and what the others notice.',
    )
    .action(async ({ out, ...flags }) => {
      const options = { ...sweepOptions(flags), how: 'reconnect', share: 0.5 } as const;
      await measure(out, (running, reporter) => misbehaving('reconnect', options, running, reporter));
    });

  program
    .command('cluster')
    .description('Nodes joined by Redis, without and behind HAProxy: what each part adds.')
    .option('--clients <n>', 'subscribers of each node', wholeFrom(1), 500)
    .option('--rate <list>', 'messages a second, separated by commas', positives, [500])
    .option('--size <bytes>', 'bytes of a message', wholeFrom(textRecords.headerBytes), 100)
    .option('--seconds <n>', 'seconds of each run', positive, 4)
    .option('--warm-up <n>', 'seconds of the same load before, not measured', positive, 1)
    .option('--rounds <n>', 'rounds; seven decide', wholeFrom(1), 1)
    .option('--runtime <name>', 'of our nodes: bun or node', oneOf<Runtime>('bun', 'node'), 'bun')
    .option(
      '--codec <name>',
      'of our subscribers: raw, json or msgpack',
      oneOf<Codec>('raw', 'json', 'msgpack'),
      'msgpack',
    )
    .option('--systems <list>', `some of ${clusterNames.join()}`, someOf(...clusterNames), clusterNames)
    .addOption(outOption('cluster'))
    .action(async ({ out, systems, runtime, codec, ...flags }) => {
      const chosen = clusters(runtime, codec).filter(({ name }) => systems.includes(name));
      await measure(out, (running, reporter) =>
        cluster(sweepOptions({ ...flags, systems: chosen }), running, reporter),
      );
    });

  program
    .command('compression')
    .description('What permessage-deflate costs a node, and what it saves on the wire.')
    .option('--clients <n>', 'subscribers', wholeFrom(1), 200)
    .option('--rate <list>', 'messages a second, separated by commas', positives, [500])
    .option(
      '--sizes <list>',
      'bytes of a message, separated by commas',
      wholesFrom(textRecords.headerBytes),
      [100, 1_000],
    )
    .option('--seconds <n>', 'seconds of each run', positive, 3)
    .option('--warm-up <n>', 'seconds of the same load before, not measured', positive, 1)
    .option('--rounds <n>', 'rounds', wholeFrom(1), 2)
    .option('--runtime <list>', 'of our nodes: bun, node', someOf<Runtime>('bun', 'node'), ['bun', 'node'])
    .addOption(outOption('compression'))
    .action(async ({ out, clients, rate, sizes, seconds, warmUp, rounds, runtime }) => {
      const load = { clients, rates: rate, sizes, seconds, warmUpSeconds: warmUp, rounds };
      const systems = runtime.flatMap(plainAndCompressed);
      await measure(out, (running, reporter) => compression({ ...load, systems }, running, reporter));
    });
}
