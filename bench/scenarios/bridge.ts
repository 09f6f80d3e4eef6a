/**
 * `bridge`: what it costs to take publications from one node to another through a real Redis.
 *
 * - publications per Redis command, at several rates in one channel;
 * - added latency: the same load heard on the publisher's node and on the other one, in turn;
 * - intake: how many publications a second a node takes in, from the frames that Redis delivers to its hub;
 * - several servers (`bridge-servers.ts`).
 */
import { Redis } from 'ioredis';
import type { Child } from '../../scripts/cluster/child.ts';
import { nodeIsReady, spawnNode } from '../../scripts/cluster/node.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { Publication } from '../../src/channel/publication.ts';
import { FrameWriter } from '../../src/protocol/bridge-frame.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { generate } from '../generator/generator.ts';
import type { Target } from '../generator/messages.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import { binaryRecords } from '../generator/record.ts';
import { BenchWebSocket } from '../generator/websocket.ts';
import { median } from '../report/median.ts';
import type { Reporter } from '../report/reporter.ts';
import { readMetrics } from '../systems/metrics.ts';
import { cpuSecondsOf } from '../systems/process-usage.ts';
import { OwnRedis } from '../systems/own-redis.ts';
import type { Running } from '../systems/running.ts';
import { bridgeServers } from './bridge-servers.ts';

const rates = [100, 10_000, 50_000];
const recordBytes = 100;
const channel = 'bench';
const shards = 64;

export interface BridgeOptions {
  rounds: number;
  seconds: number;
}

interface RunningNode {
  child: Child;
  target: Target;
  adminPort: number;
}

export async function bridge(
  { rounds, seconds }: BridgeOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const redis = await OwnRedis.start(running);
  const [left, right] = (await Promise.all(
    ['left', 'right'].map((id) => startNode(id, redis.url, running)),
  )) as [RunningNode, RunningNode];

  for (const rate of rates) await measureRate(rate, { rounds, seconds }, left, right, redis, reporter);
  await measureIntake(right, redis.port, reporter);
  await bridgeServers({ rounds, seconds }, running, reporter);
}

async function startNode(id: string, redisUrl: string, running: Running): Promise<RunningNode> {
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const child = running.add(spawnNode({ id, port, adminPort, redisUrl }));
  await nodeIsReady(child, port);
  return { child, target: { host: '127.0.0.1', port, path: `/raw/${channel}`, dialect: 'raw' }, adminPort };
}

async function measureRate(
  rate: number,
  { rounds, seconds }: BridgeOptions,
  left: RunningNode,
  right: RunningNode,
  redis: OwnRedis,
  reporter: Reporter,
): Promise<void> {
  const here: number[] = [];
  const there: number[] = [];
  const added: number[] = [];
  const perCommand: number[] = [];
  const redisMicros: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // In turn, so that a machine that gets slower does so for both.
    for (const listenTo of round % 2 === 0 ? [left, right] : [right, left]) {
      reporter.progress(
        `bridge: ${rate}/s, round ${round + 1} of ${rounds}, heard on ${listenTo === left ? 'the same node' : 'the other node'}`,
      );
      let before = { frames: 0, publications: 0, redisCpu: 0 };
      const take = async () => {
        const metrics = await readMetrics(left.adminPort);
        return {
          frames: metrics('outcry_bridge_frames_sent_total'),
          publications: metrics('outcry_bridge_publications_sent_total'),
          redisCpu: cpuSecondsOf([redis.pid]),
        };
      };
      let after = before;
      const measured = await generate(
        {
          subscribeTo: [listenTo.target],
          publishTo: left.target,
          receivers: 1,
          processes: 1,
          rate,
          seconds,
          recordBytes,
        },
        {
          async before() {
            before = await take();
          },
          async after() {
            after = await take();
          },
        },
      );
      reporter.raw({
        scenario: 'bridge',
        rate,
        round,
        heardOn: listenTo === left ? 'same' : 'other',
        measured,
      });
      for (const reservation of measured.verdict.reservations) reporter.note(`${rate}/s: ${reservation}`);
      (listenTo === left ? here : there).push(measured.latency.p50);
      if (listenTo === right) {
        const publications = after.publications - before.publications;
        perCommand.push(publications / (after.frames - before.frames));
        redisMicros.push(((after.redisCpu - before.redisCpu) * 1e6) / publications);
      }
    }
    added.push((there.at(-1) as number) - (here.at(-1) as number));
  }
  reporter.row('bridge', {
    'publications/s': String(rate),
    'per Redis command': median(perCommand).toFixed(1),
    'p50 same node': `${median(here).toFixed(2)} ms`,
    'p50 other node': `${median(there).toFixed(2)} ms`,
    'added p50': `${median(added).toFixed(2)} ms`,
    'Redis CPU each': `${median(redisMicros).toFixed(1)} µs`,
  });
}

/** Publishes frames that were made before, as fast as Redis takes them, to a node with one subscriber. */
async function measureIntake(node: RunningNode, redisPort: number, reporter: Reporter): Promise<void> {
  const publicationsPerFrame = 500;
  const frames = 2_000;
  const framesAhead = 100;
  let heardBytes = 0;
  const listener = await BenchWebSocket.open({
    ...node.target,
    opened: () => ({
      message(_bytes, _offset, size) {
        heardBytes += size;
      },
      control() {},
    }),
  });
  const redis = new Redis(redisPort, '127.0.0.1');
  const shard = shardOf(channel, shards);
  const writer = new FrameWriter({ bootId: 'bench-intake', nodeId: 'bench' }, shard);
  const record = Buffer.alloc(recordBytes);
  const rates: number[] = [];
  const micros: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    reporter.progress(`bridge: intake, round ${round + 1} of 5`);
    const made: Buffer[] = [];
    for (let i = 0; i < frames; i += 1) {
      for (let j = 0; j < publicationsPerFrame; j += 1) {
        const sequence = i * publicationsPerFrame + j;
        binaryRecords.write(record, { sequence, intendedAt: 0, channel: 0, run: 0 });
        writer.add(channel, Publication.binary(record, 0));
      }
      made.push(writer.take(Date.now()));
    }
    const received = async () =>
      (await readMetrics(node.adminPort))('outcry_bridge_publications_received_total');
    const before = await received();
    const expected = before + frames * publicationsPerFrame;
    const cpuBefore = cpuSecondsOf([node.child.pid]);
    const startedAt = monotonicMs();
    for (let i = 0; i < made.length; i += framesAhead) {
      // Redis cuts off a subscriber that is 32 MB behind: what is under way stays well below.
      const channelName = `outcry.v1.${shards}.{${shard}}`;
      await Promise.all(made.slice(i, i + framesAhead).map((frame) => redis.publish(channelName, frame)));
      await untilAtLeast(received, before + i * publicationsPerFrame);
    }
    await untilAtLeast(received, expected);
    const seconds = (monotonicMs() - startedAt) / 1_000;
    const taken = (await received()) - before;
    rates.push(taken / seconds);
    micros.push(((cpuSecondsOf([node.child.pid]) - cpuBefore) * 1e6) / taken);
    if (taken < expected - before)
      reporter.note(`intake: ${expected - before - taken} publications never arrived`);
  }
  reporter.raw({ scenario: 'bridge', intake: { rates, micros, publicationsPerFrame, heardBytes } });
  reporter.row('intake, one subscriber', {
    'publications/s': Math.round(median(rates)).toLocaleString('en'),
    'node CPU each': `${median(micros).toFixed(2)} µs`,
    'per CPU second': Math.round(1e6 / median(micros)).toLocaleString('en'),
  });
  redis.disconnect();
  listener.close();
}

async function untilAtLeast(read: () => Promise<number>, wanted: number): Promise<void> {
  const giveUpAt = monotonicMs() + 10_000;
  while ((await read()) < wanted && monotonicMs() < giveUpAt)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
