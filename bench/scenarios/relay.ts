/**
 * `relay`: what it costs a worker that the relay of its host stands between it and Redis.
 *
 * Three nodes on one Redis: one that publishes, another one, and a host of two workers. The same load is published on the first
 * and heard on the second or on a worker, and published on the second or on a worker and heard on the first; in turn, the direct
 * way twice, which shows how far two equal things are apart.
 */
import type { Child } from '../../scripts/cluster/child.ts';
import { nodeIsReady, spawnNode } from '../../scripts/cluster/node.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { generate } from '../generator/generator.ts';
import type { Target } from '../generator/messages.ts';
import { outcomeOf } from '../report/bar.ts';
import { median } from '../report/median.ts';
import type { Reporter } from '../report/reporter.ts';
import { OwnRedis } from '../systems/own-redis.ts';
import type { Running } from '../systems/running.ts';

const channel = 'bench';
const recordBytes = 100;
const receivers = 10;
/** What the relay may add to the last percentile, at the rate of the bar. */
const maxAddedMs = 2;
const rateOfBar = 10_000;
const workers = 2;

export interface RelayBenchOptions {
  rates: readonly number[];
  rounds: number;
  seconds: number;
}

/** A way from a publisher to subscribers. */
interface Way {
  readonly name: 'direct' | 'direct again' | 'relay';
  readonly publishTo: Target;
  readonly subscribeTo: Target;
}

export async function relay(
  { rates, rounds, seconds }: RelayBenchOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const redis = await OwnRedis.start(running);
  const start = (id: string, flags: readonly string[] = []) => startNode(id, redis.url, flags, running);
  const [one, other, host] = (await Promise.all([
    start('one'),
    start('other'),
    start('host', ['--workers', String(workers)]),
  ])) as [Target, Target, Target];
  for (const rate of rates) {
    const load = { rate, rounds, seconds };
    await measure('heard by', load, reporter, (far) => ({ publishTo: one, subscribeTo: far }), other, host);
    await measure(
      'published by',
      load,
      reporter,
      (far) => ({ publishTo: far, subscribeTo: one }),
      other,
      host,
    );
  }
}

async function startNode(
  id: string,
  redisUrl: string,
  flags: readonly string[],
  running: Running,
): Promise<Target> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const child: Child = running.add(spawnNode({ id, port, adminPort, redisUrl, flags }));
  await nodeIsReady(child, port);
  return { host: '127.0.0.1', port, path: `/raw/${channel}`, dialect: 'raw' };
}

async function measure(
  end: 'heard by' | 'published by',
  { rate, rounds, seconds }: { rate: number; rounds: number; seconds: number },
  reporter: Reporter,
  wayTo: (far: Target) => Pick<Way, 'publishTo' | 'subscribeTo'>,
  direct: Target,
  host: Target,
): Promise<void> {
  const ways: Way[] = [
    { name: 'direct', ...wayTo(direct) },
    { name: 'relay', ...wayTo(host) },
    { name: 'direct again', ...wayTo(direct) },
  ];
  const p50 = { direct: [] as number[], relay: [] as number[], 'direct again': [] as number[] };
  const p99 = { direct: [] as number[], relay: [] as number[], 'direct again': [] as number[] };
  let counts = true;
  for (let round = 0; round < rounds; round += 1)
    for (const { name, publishTo, subscribeTo } of round % 2 === 0 ? ways : [...ways].reverse()) {
      reporter.progress(`relay: ${rate}/s ${end} a worker, round ${round + 1} of ${rounds}, ${name}`);
      const measured = await generate(
        {
          ...{ publishTo, subscribeTo: [subscribeTo] },
          ...{ receivers, processes: 1, rate, seconds, recordBytes },
        },
        { async before() {}, async after() {} },
      );
      reporter.raw({ scenario: 'relay', end, rate, round, way: name, measured });
      for (const reservation of measured.verdict.reservations)
        reporter.note(`${rate}/s, ${name}: ${reservation}`);
      counts &&= measured.verdict.status === 'ok';
      p50[name].push(measured.latency.p50);
      p99[name].push(measured.latency.p99);
    }
  const differences = (from: readonly number[], to: readonly number[]) =>
    from.map((value, round) => value - (to[round] as number));
  const added = median(differences(p99.relay, p99.direct));
  const apart = median(differences(p99['direct again'], p99.direct).map(Math.abs));
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  reporter.row('relay', {
    'publications/s': String(rate),
    worker: end === 'heard by' ? 'hears' : 'publishes',
    'p50 direct': ms(median(p50.direct)),
    'p50 relay': ms(median(p50.relay)),
    'p99 direct': ms(median(p99.direct)),
    'p99 relay': ms(median(p99.relay)),
    'added p99': ms(added),
    'A/A p99': `±${ms(apart)}`,
  });
  if (rate !== rateOfBar) return;
  reporter.row('bars', {
    bar: `${end} a worker at ${rate}/s: the relay adds at most ${maxAddedMs} ms to the p99 of the direct way`,
    figure: ms(added),
    outcome: outcomeOf({
      figure: Math.max(added, 0),
      limit: maxAddedMs,
      // As a share of the bar: below it, equal things must be less apart than what is to be seen.
      spread: apart / maxAddedMs,
      maxSpread: 0.5,
      counts,
    }),
  });
}
