/**
 * What the history of one channel takes: in Redis, as it accounts for the keys of the channel, and in a node that keeps the
 * tail of it, as the heap grows by. Publications are appended one by one, and twenty together.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { redisIsReady, spawnRedis } from '../../scripts/cluster/redis.ts';
import { RedisConnection } from '../../src/bridge/redis-connection.ts';
import { Publication } from '../../src/channel/publication.ts';
import { systemClock } from '../../src/clock.ts';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { RecentTail } from '../../src/history/recent-tail.ts';
import { RedisHistory } from '../../src/history/redis-history.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import type { Reporter } from '../report/reporter.ts';
import type { Running } from '../systems/running.ts';

const size = 100;
const togetherCounts = [1, 20];
/** More than are kept, so that the log has been trimmed. */
const appended = 10 * size;
const tails = 2_000;
const startTimeoutMs = 10_000;

export async function historyMemory(
  recordBytes: number,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
  running.add({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
  const [port] = (await freePorts(1)) as [number];
  const server = running.add(spawnRedis({ port, folder }));
  await redisIsReady(server, port);
  const redis = new Redis(port, '127.0.0.1');
  const history = await startHistory(port);
  const publication = () => Publication.binary(Buffer.alloc(recordBytes, 1), 0);
  for (const together of togetherCounts) {
    const channel = `channel-${together}`;
    for (let count = 0; count < appended; count += together)
      await history.append(channel, Array.from({ length: together }, publication));
    const [numbering, log] = await Promise.all(
      ['top', 'log'].map(async (kind) => {
        const [key] = await redis.keys(`*.${kind}:${channel}`);
        return Number(await redis.memory('USAGE', key as string, 'SAMPLES', 0));
      }),
    );
    const tail = heapBytesOf(() => {
      const kept = new RecentTail(Number.MAX_SAFE_INTEGER);
      for (let offset = together; offset <= size; offset += together)
        kept.add({ epoch: 'epoch', offset, publications: Array.from({ length: together }, publication) });
      return kept;
    });
    const each = (bytes: number) => ((bytes / size) | 0).toString();
    reporter.row(`memory of a channel that keeps ${size} publications of ${recordBytes} bytes`, {
      'appended together': String(together),
      'Redis log, bytes': String(log),
      'per publication': each(log as number),
      'Redis numbering, bytes': String(numbering),
      'tail in a node, bytes': Math.round(tail).toString(),
      'per publication there': each(tail),
    });
    reporter.raw({ scenario: 'history', memory: { together, recordBytes, size, log, numbering, tail } });
  }
  redis.disconnect();
  await history.stop();
  await running.stop(server);
}

const shards = 64;

async function startHistory(port: number): Promise<RedisHistory> {
  const address = parseRedisUrl(`redis://127.0.0.1:${port}`) as RedisAddress;
  const common = { commandTimeoutMs: 2_000, clock: systemClock };
  const history = new RedisHistory({
    ...common,
    ...{ prefix: 'outcry', shards, bootId: 'bench', inCluster: false, maxBytesInFlight: 1e8 },
    batch: { maxDelayMs: 2, maxBytes: 65_536, maxItems: 1_024 },
    retention: () => ({ size, ttlMs: 300_000 }),
    metrics: new Metrics().history,
    onGeneration() {},
    onTrouble(reason) {
      throw new Error(reason);
    },
  });
  history.start(() => {});
  history.connect(
    Array.from({ length: shards }, (_, shard) => shard),
    ({ onReady, onLost }) =>
      new RedisConnection({
        ...{ ...common, address, ca: null, name: 'history', onReady, onLost },
        onError() {},
        onMessage() {},
      }),
  );
  const giveUpAt = monotonicMs() + startTimeoutMs;
  while (!history.ready) {
    if (monotonicMs() > giveUpAt) throw new Error('the history does not get a connection to its Redis');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return history;
}

/** What one of many takes. */
function heapBytesOf(make: () => unknown): number {
  make();
  Bun.gc(true);
  const before = usedBytes();
  const kept = Array.from({ length: tails }, make);
  Bun.gc(true);
  const bytes = (usedBytes() - before) / kept.length;
  kept.length = 0;
  return bytes;
}

/** Payloads stand outside of the heap. */
function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
