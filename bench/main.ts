/**
 * `npm run bench -- SCENARIO [flags]`: runs a scenario, prints a table, writes every figure to a JSON file. However it
 * ends, nothing that it has started is left running.
 */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../src/errors.ts';
import { oneOf, positive, positives, someOf, systemsOption, wholeFrom, wholesFrom } from './arguments.ts';
import { textRecords } from './generator/record.ts';
import { compareReports } from './report/comparison.ts';
import { comparisonRow, howCompared } from './report/comparison-row.ts';
import { writePage } from './report/page.ts';
import { parseReport, type Report } from './report/report.ts';
import { Reporter } from './report/reporter.ts';
import { textTable } from './report/text-table.ts';
import { bridge } from './scenarios/bridge.ts';
import { browserCost } from './scenarios/browser-cost.ts';
import { compression } from './scenarios/compression.ts';
import { cluster } from './scenarios/cluster.ts';
import { fanout } from './scenarios/fanout.ts';
import { history } from './scenarios/history.ts';
import { historyMemory } from './scenarios/history-memory.ts';
import { idle, idleSystems } from './scenarios/idle.ts';
import { latestMemory } from './scenarios/latest-memory.ts';
import { million } from './scenarios/million.ts';
import type { Via } from './scenarios/million-plan.ts';
import { misbehaving } from './scenarios/misbehaving.ts';
import { publish } from './scenarios/publish.ts';
import { recovery } from './scenarios/recovery.ts';
import { relay } from './scenarios/relay.ts';
import { rooms } from './scenarios/rooms.ts';
import { snapshot } from './scenarios/snapshot.ts';
import { ticker } from './scenarios/ticker.ts';
import { setUp } from './setup.ts';
import { catalogue, systemNamed } from './systems/catalogue.ts';
import { clusters } from './systems/clusters.ts';
import { plainAndCompressed } from './systems/compressed.ts';
import { stopWhenInterrupted } from './systems/interrupted.ts';
import { keptByRedis } from './systems/kept-by-redis.ts';
import { valueKeepers } from './systems/keeping-values.ts';
import { recoveringSystems } from './systems/recovering.ts';
import { Running } from './systems/running.ts';
import type { Codec, Runtime, System } from './systems/system.ts';

const running = new Running();
const interrupted = stopWhenInterrupted(running);

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

const ours = ['outcry-bun', 'outcry-bun-json', 'outcry-bun-msgpack'].map(systemNamed);
const windows = ['bun-5ms', 'bun-20ms'].map(systemNamed);
const bare = systemNamed('bare-bun');

const clusterNames = clusters('bun', 'msgpack').map(({ name }) => name);

sweeping('fanout', [10, 100, 500, 3_000, 10_000, 15_000], 2, [bare, ...ours])
  .description('One publisher, many subscribers, one room: CPU per delivery and latency at each rate.')
  .action(async ({ out, ...options }) => {
    await report(out, (reporter) => fanout(sweepOptions(options), running, reporter));
  });

sweeping('ticker', [10_000], 5, [bare, ...windows, ...ours.filter(({ manyChannels }) => manyChannels)])
  .description('Market data: many channels, some much busier, subscribers that hear a few dozen each.')
  .option('--channels <n>', 'channels', wholeFrom(1), 2_000)
  .option('--per-subscriber <n>', 'channels of each subscriber', wholeFrom(1), 50)
  .action(async ({ out, channels, perSubscriber, ...options }) => {
    if (perSubscriber > channels)
      throw new InvalidArgumentError('--per-subscriber must not be above --channels');
    await report(out, (reporter) =>
      ticker({ ...sweepOptions(options, true), channels, perSubscriber }, running, reporter),
    );
  });

sweeping('rooms', [1_000], 3, [bare, ...ours.filter(({ manyChannels }) => manyChannels)])
  .description('Chat: ever more rooms of ten people each, as many publications whatever their number.')
  .option('--rooms <list>', 'numbers of rooms', wholesFrom(1), [1, 100, 10_000, 100_000])
  .action(async ({ out, rooms: counts, ...options }) => {
    await report(out, (reporter) =>
      rooms({ ...sweepOptions(options, true), rooms: counts }, running, reporter),
    );
  });

const peers = ['ws', 'socket.io', 'nats'].map(systemNamed);

sweeping('slow', [5_000], 6, [bare, ...ours, ...peers], { clients: 100, size: 1_000 })
  .description(
    'One subscriber in a hundred stops reading and stays: what the others notice, and what it costs.',
  )
  .action(async ({ out, ...flags }) => {
    const options = { ...sweepOptions(flags), how: 'stop reading', share: 0.01 } as const;
    await report(out, (reporter) => misbehaving('slow', options, running, reporter));
  });

sweeping('reconnect', [20], 5, [bare, ...ours, ...peers], { clients: 2_000, size: 100 })
  .description(
    'Half of all subscribers leave and come back at once: when all are back, and what the others notice.',
  )
  .action(async ({ out, ...flags }) => {
    const options = { ...sweepOptions(flags), how: 'reconnect', share: 0.5 } as const;
    await report(out, (reporter) => misbehaving('reconnect', options, running, reporter));
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
  .option('--out <file>', 'where the figures go', 'bench/results/cluster.json')
  .action(async ({ out, systems, runtime, codec, ...flags }) => {
    const chosen = clusters(runtime, codec).filter(({ name }) => systems.includes(name));
    await report(out, (reporter) => cluster(sweepOptions({ ...flags, systems: chosen }), running, reporter));
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
  .option('--out <file>', 'where the figures go', 'bench/results/compression.json')
  .action(async ({ out, clients, rate, sizes, seconds, warmUp, rounds, runtime }) => {
    const load = { clients, rates: rate, sizes, seconds, warmUpSeconds: warmUp, rounds };
    const systems = runtime.flatMap(plainAndCompressed);
    await report(out, (reporter) => compression({ ...load, systems }, running, reporter));
  });

program
  .command('idle')
  .description('Connections that say nothing: memory of one, handshakes a second, beside a bare server.')
  .option('--from <n>', 'connections at the lower end of the slope', wholeFrom(1), 5_000)
  .option('--to <n>', 'connections at its upper end', wholeFrom(2), 15_000)
  .option('--rounds <n>', 'rounds; five decide', wholeFrom(1), 2)
  .addOption(systemsOption(idleSystems))
  .option('--out <file>', 'where the figures go', 'bench/results/idle.json')
  .action(async ({ from, to, rounds, systems: chosen, out }) => {
    if (to <= from) throw new InvalidArgumentError('--to must be above --from');
    await report(out, (reporter) => idle({ from, to, rounds, systems: chosen }, running, reporter));
  });

program
  .command('million')
  .description('Very many connections to one Outcry, then a publication for all: time, memory, CPU.')
  .option('--clients <n>', 'connections', wholeFrom(1), 1_000_000)
  .option(
    '--via <what>',
    'haproxy, haproxy-l4 or haproxy-tls',
    oneOf<Via>('haproxy', 'haproxy-l4', 'haproxy-tls'),
  )
  .option('--workers <n>', 'processes of Outcry; as many as the limit of descriptors demands', wholeFrom(1))
  .option('--runtime <name>', 'bun or node', oneOf<Runtime>('bun', 'node'), 'bun')
  .option('--codec <name>', 'raw, json or msgpack', oneOf<Codec>('raw', 'json', 'msgpack'), 'msgpack')
  .option('--size <list>', 'bytes of publications', wholesFrom(textRecords.headerBytes), [100, 1_000])
  .option('--broadcasts <n>', 'publications of each size', wholeFrom(1), 3)
  .option('--idle-seconds <n>', 'for which nothing is said', positive, 20)
  .option('--no-reference', 'leaves out what a delivery costs with a thousand subscribers')
  .option('--idle-timeout-ms <n>', 'of Outcry, which pings every two thirds of it', wholeFrom(300), 40_000)
  .option('--out <file>', 'where the figures go', 'bench/results/million.json')
  .action(async ({ out, size, idleTimeoutMs, via = null, workers = null, ...options }) => {
    const flags = ['--idle-timeout-ms', String(idleTimeoutMs)];
    const all = { ...options, via, workers, sizes: size, flags };
    await report(out, (reporter) => million(all, running, reporter));
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

program
  .command('relay')
  .description('A worker behind the relay of its host beside a node of its own: added latency.')
  .option('--rate <list>', 'publications a second, separated by commas', positives, [1_000, 10_000])
  .option('--rounds <n>', 'rounds of each row; seven decide', wholeFrom(1), 3)
  .option('--seconds <n>', 'seconds of each round', positive, 3)
  .option('--out <file>', 'where the figures go', 'bench/results/relay.json')
  .action(async ({ rate, rounds, seconds, out }) => {
    await report(out, (reporter) => relay({ rates: rate, rounds, seconds }, running, reporter));
  });

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
  .option('--out <file>', 'where the figures go', 'bench/results/history.json')
  .action(async ({ out, channels, rate, size, seconds, warmUp, rounds }) => {
    const options = { channels, rates: rate, recordBytes: size, seconds, warmUpSeconds: warmUp, rounds };
    await report(out, async (reporter) => {
      await historyMemory(size, running, reporter);
      await history({ ...options, systems: keptByRedis() }, running, reporter);
    });
  });

const recoveringNames = recoveringSystems(1).map(({ name }) => name);

program
  .command('recovery')
  .description('Everybody is cut off, misses some publications and comes back at once: until all have them.')
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
  .option('--out <file>', 'where the figures go', 'bench/results/recovery.json')
  .action(async ({ out, clients, channels, missed, size, rounds, systems: names }) => {
    if (channels > clients) throw new InvalidArgumentError('--channels must not be above --clients');
    const systems = recoveringSystems(missed + 100).filter(({ name }) => names.includes(name));
    const options = { clients, channels, missed, recordBytes: size, rounds, systems };
    await report(out, (reporter) => recovery(options, running, reporter));
  });

const keeperNames = valueKeepers(1, 1).map(({ name }) => name);

program
  .command('snapshot')
  .description('Many subscribe at once to a channel with the newest values of its keys: until all have them.')
  .option('--clients <n>', 'new subscribers', wholeFrom(1), 1_000)
  .option('--keys <n>', 'keys of the channel', wholeFrom(1), 1_000)
  .option('--size <bytes>', 'bytes of a value', wholeFrom(textRecords.headerBytes), 100)
  .option('--rounds <n>', 'rounds', wholeFrom(1), 3)
  .option('--systems <list>', `some of ${keeperNames.join()}`, someOf(...keeperNames), keeperNames)
  .option('--out <file>', 'where the figures go', 'bench/results/snapshot.json')
  .action(async ({ out, clients, keys, size, rounds, systems: names }) => {
    const systems = valueKeepers(keys, size).filter(({ name }) => names.includes(name));
    const options = { clients, keys, recordBytes: size, rounds, systems };
    await report(out, async (reporter) => {
      await latestMemory(keys, size, running, reporter);
      await snapshot(options, running, reporter);
    });
  });

program
  .command('publish')
  .description('Publishing over HTTP: CPU per request, beside a bare server that parses the same body.')
  .option('--rounds <n>', 'rounds', wholeFrom(1), 7)
  .option('--seconds <n>', 'seconds of each run', positive, 4)
  .option('--out <file>', 'where the figures go', 'bench/results/publish.json')
  .action(async ({ rounds, seconds, out }) => {
    await report(out, (reporter) => publish({ rounds, seconds }, running, reporter));
  });

program
  .command('browser-cost')
  .description('What publications cost the main thread of a page, with the SDK and without.')
  .option('--publications <n>', 'publications of each run', wholeFrom(1), 10_000)
  .option('--rate <n>', 'publications a second', positive, 2_000)
  .option('--rounds <n>', 'rounds', wholeFrom(1), 3)
  .option('--out <file>', 'where the figures go', 'bench/results/browser-cost.json')
  .action(async ({ publications, rate, rounds, out }) => {
    await report(out, (reporter) => browserCost({ publications, rate, rounds }, running, reporter));
  });

program
  .command('compare <before> <after>')
  .description('What changed between two runs of a scenario, from the JSON files that they wrote.')
  .action((before: string, after: string) => printComparison(before, after));

program
  .command('page <file>')
  .description('Makes the page of a JSON file again.')
  .action((file: string) => console.log(writePage(readReport(file), file)));

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

async function report(out: string, scenario: (reporter: Reporter) => Promise<void>): Promise<void> {
  const reporter = new Reporter(`npm run bench -- ${process.argv.slice(2).join(' ')}`);
  await scenario(reporter);
  reporter.print();
  reporter.write(out);
}

function readReport(file: string): Report {
  return parseReport(readFileSync(file, 'utf8'), file);
}

function printComparison(before: string, after: string): void {
  const rows = compareReports(readReport(before), readReport(after));
  for (const [metric, ofMetric] of Map.groupBy(rows, (row) => row.metric))
    console.log(`\n${metric}\n${textTable(ofMetric.map(comparisonRow))}`);
  console.log(`\n* before: ${before}, after: ${after}\n* ${howCompared}`);
}

/** A command with the flags of all scenarios that try rates. */
function sweeping(
  name: string,
  rates: number[],
  seconds: number,
  usual: readonly System[],
  { clients, size } = { clients: 1_000, size: 100 },
) {
  return program
    .command(name)
    .option('--clients <n>', 'subscribers', wholeFrom(1), clients)
    .option('--rate <list>', 'messages a second, separated by commas', positives, rates)
    .option('--size <bytes>', 'bytes of a message', wholeFrom(textRecords.headerBytes), size)
    .option('--seconds <n>', 'seconds of each run', positive, seconds)
    .option('--warm-up <n>', 'seconds of the same load before, not measured', positive, 1)
    .option('--rounds <n>', 'rounds; seven decide', wholeFrom(1), 1)
    .option('--runtime <list>', 'of our nodes: bun, node', someOf<Runtime>('bun', 'node'))
    .option(
      '--codec <list>',
      'of our subscribers: raw, json, msgpack',
      someOf<Codec>('raw', 'json', 'msgpack'),
    )
    .addOption(systemsOption(usual))
    .option('--out <file>', 'where the figures go', `bench/results/${name}.json`);
}

interface SweepFlags {
  clients: number;
  rate: number[];
  size: number;
  seconds: number;
  warmUp: number;
  rounds: number;
  runtime?: Runtime[] | undefined;
  codec?: Codec[] | undefined;
  systems: readonly System[];
}

/** @param manyChannels leaves out systems that know one only */
function sweepOptions(
  { clients, rate, size, seconds, warmUp, rounds, runtime, codec, systems }: SweepFlags,
  manyChannels = false,
) {
  const chosen = onlyOurs(systems, runtime, codec).filter((system) => system.manyChannels || !manyChannels);
  return {
    ...{ clients, rates: rate, recordBytes: size, seconds, warmUpSeconds: warmUp, rounds, systems: chosen },
  };
}

/** With --runtime or --codec: the nodes of ours that fit, and those of the others that were chosen. */
function onlyOurs(
  systems: readonly System[],
  runtimes: readonly Runtime[] | undefined,
  codecs: readonly Codec[] | undefined,
): System[] {
  if (runtimes === undefined && codecs === undefined) return [...systems];
  const fits = ({ name, ours }: System) =>
    ours !== undefined &&
    !name.endsWith('-0ms') &&
    (runtimes ?? ['bun']).includes(ours.runtime) &&
    (codecs ?? ['raw', 'json', 'msgpack']).includes(ours.codec);
  const fitting = catalogue.filter(fits);
  const bares = new Set(fitting.map((system) => system.bare));
  const others = systems.filter(({ ours, name }) => ours === undefined && !bares.has(name));
  return [...catalogue.filter(({ name }) => bares.has(name)), ...others, ...fitting];
}
