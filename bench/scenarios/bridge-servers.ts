/**
 * What several Redis servers and a Redis Cluster cost: the same publications, spread over many channels, through one server, two,
 * and the three masters of a Cluster, in turn. One bridge publishes, two hear, without a node around them, all in this process.
 */
import { randomBytes } from 'node:crypto';
import { placementOf } from '../../src/assembly/redis-places.ts';
import { QuietLog } from '../../src/bridge/quiet-log.ts';
import { RedisBridge } from '../../src/bridge/redis-bridge.ts';
import { Publication } from '../../src/channel/publication.ts';
import { systemClock } from '../../src/clock.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import { median } from '../report/median.ts';
import type { Reporter } from '../report/reporter.ts';
import { OwnRedis } from '../systems/own-redis.ts';
import { cpuSecondsOf } from '../systems/process-usage.ts';
import type { Running } from '../systems/running.ts';
import { startThreeMasters } from '../systems/three-masters.ts';

const rates = [10_000, 50_000];
const channels = 256;
const recordBytes = 100;
const listeners = 2;
const tickMs = 1;
const settleTimeoutMs = 20_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Deployment {
  readonly name: string;
  readonly pids: readonly number[];
  readonly speaker: RedisBridge;
  readonly metrics: Metrics;
  readonly heard: { count: number };
}

export async function bridgeServers(
  { rounds, seconds }: { rounds: number; seconds: number },
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const servers = await Promise.all([1, 2, 3].map(() => OwnRedis.start(running)));
  const [alone, ...pair] = servers;
  const cluster = await startThreeMasters(running);
  const deployments = await Promise.all([
    deploy('one server', (alone as OwnRedis).url, [(alone as OwnRedis).pid], running),
    deploy(
      'two servers',
      pair.map(({ url }) => url).join(),
      pair.map(({ pid }) => pid),
      running,
    ),
    deploy('a Cluster of three', cluster.url, cluster.pids, running),
  ]);
  for (const rate of rates) {
    const all = deployments.map(() => ({
      together: [] as number[],
      busiest: [] as number[],
      perCommand: [] as number[],
    }));
    for (let round = 0; round < rounds; round += 1)
      for (const step of deployments.keys()) {
        // In turn, so that a machine that gets slower does so for all.
        const index = (step + round) % deployments.length;
        const deployment = deployments[index] as Deployment;
        reporter.progress(`bridge: ${rate}/s through ${deployment.name}, round ${round + 1} of ${rounds}`);
        const measured = await measure(deployment, rate, seconds);
        reporter.raw({ scenario: 'bridge', servers: deployment.name, rate, round, ...measured });
        if (measured.heard < measured.published * listeners)
          reporter.note(
            `${rate}/s through ${deployment.name}: ${measured.published * listeners - measured.heard} publications did not arrive`,
          );
        all[index]?.together.push((measured.redisSeconds * 1e6) / measured.published);
        all[index]?.busiest.push(measured.busiestSeconds / measured.seconds);
        all[index]?.perCommand.push(measured.published / measured.frames);
      }
    for (const [index, { together, busiest, perCommand }] of all.entries())
      reporter.row('several servers', {
        'publications/s': String(rate),
        through: (deployments[index] as Deployment).name,
        'per Redis command': median(perCommand).toFixed(1),
        'Redis CPU each': `${median(together).toFixed(2)} µs`,
        'busiest server': `${(median(busiest) * 100).toFixed(0)} % of a core`,
      });
  }
}

async function deploy(
  name: string,
  url: string,
  pids: readonly number[],
  running: Running,
): Promise<Deployment> {
  const heard = { count: 0 };
  const bridges = Array.from({ length: 1 + listeners }, () => {
    const metrics = new Metrics();
    return { metrics, bridge: bridgeTo(url, metrics) };
  });
  for (const { bridge } of bridges) {
    bridge.start(
      () => {
        heard.count += 1;
      },
      () => {},
    );
    running.add({ stop: () => bridge.stop() });
  }
  const [speaker, ...ears] = bridges as [(typeof bridges)[0], ...typeof bridges];
  for (const { bridge } of ears) for (let n = 0; n < channels; n += 1) bridge.opened(channelName(n));
  await until(() =>
    ears.every(({ bridge }) =>
      Array.from({ length: channels }, (_, n) => channelName(n)).every((channel) => bridge.reaches(channel)),
    ),
  );
  await until(() => speaker.bridge.state === 'connected');
  return { name, pids, heard, speaker: speaker.bridge, metrics: speaker.metrics };
}

function bridgeTo(url: string, metrics: Metrics): RedisBridge {
  const { settings } = loadSettings({ flags: { redisUrl: url }, environment: {} });
  const bootId = randomBytes(8).toString('hex');
  return new RedisBridge({
    placement: placementOf(settings, 'bench', new QuietLog(silent, systemClock)),
    ...{ prefix: settings.redisPrefix, shards: settings.redisShards, sender: { nodeId: bootId, bootId } },
    maxBytesInFlight: settings.redisMaxBytesInFlight,
    batch: {
      maxDelayMs: settings.bridgeMaxDelayMs,
      maxBytes: settings.bridgeMaxFrameBytes,
      maxItems: settings.bridgeMaxFramePublications,
    },
    ...{ history: null, clock: systemClock, logger: silent, metrics: metrics.bridge, onState() {} },
  });
}

async function measure({ speaker, metrics, pids, heard }: Deployment, rate: number, seconds: number) {
  const publication = Publication.binary(Buffer.alloc(recordBytes, 1), 0);
  const cpu = () => pids.map((pid) => cpuSecondsOf([pid]));
  const before = cpu();
  const framesBefore = metrics.bridge.framesSent.value;
  heard.count = 0;
  const startedAt = monotonicMs();
  let published = 0;
  while (published < rate * seconds) {
    const due = Math.min(((monotonicMs() - startedAt) * rate) / 1_000, rate * seconds);
    for (; published < due; published += 1) speaker.publish(channelName(published % channels), publication);
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  await until(() => heard.count >= published * listeners).catch(() => {});
  const used = cpu().map((after, index) => after - (before[index] as number));
  return {
    published,
    heard: heard.count,
    frames: metrics.bridge.framesSent.value - framesBefore,
    seconds: (monotonicMs() - startedAt) / 1_000,
    redisSeconds: used.reduce((sum, each) => sum + each, 0),
    busiestSeconds: Math.max(...used),
  };
}

function channelName(number: number): string {
  return `bench-${number}`;
}

async function until(holds: () => boolean): Promise<void> {
  const giveUpAt = monotonicMs() + settleTimeoutMs;
  while (!holds()) {
    if (monotonicMs() > giveUpAt) throw new Error('the bridges do not hear each other');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
