/**
 * The flags of all scenarios that put several systems under a load at several rates.
 */
import type { Command } from 'commander';
import { outOption, positive, positives, someOf, systemsOption, wholeFrom } from '../arguments.ts';
import { textRecords } from '../generator/record.ts';
import type { SweepOptions } from '../scenarios/sweep.ts';
import { catalogue } from '../systems/catalogue.ts';
import type { Codec, Runtime, System } from '../systems/system.ts';

/** A command with the flags of all scenarios that try rates. */
export function sweeping(
  program: Command,
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
    .addOption(outOption(name));
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
export function sweepOptions(
  { clients, rate, size, seconds, warmUp, rounds, runtime, codec, systems }: SweepFlags,
  manyChannels = false,
): SweepOptions {
  const chosen = onlyOurs(systems, runtime, codec).filter((system) => system.manyChannels || !manyChannels);
  return { clients, rates: rate, recordBytes: size, seconds, warmUpSeconds: warmUp, rounds, systems: chosen };
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
