/**
 * What the latest values of one channel take: in Redis, as it accounts for the keys of the channel, and in a node that has them
 * at hand, as the heap grows by.
 */
import { Redis } from 'ioredis';
import { LatestValues } from '../../src/channel/latest-values.ts';
import { Publication } from '../../src/channel/publication.ts';
import { keyOf } from '../generator/latecomers/outcry.ts';
import type { Reporter } from '../report/reporter.ts';
import { heapBytesOf } from '../systems/heap-bytes.ts';
import { OwnRedis } from '../systems/own-redis.ts';
import { startRedisHistory } from '../systems/redis-history.ts';
import type { Running } from '../systems/running.ts';

/** Publications that are appended together. */
const together = 50;
const copies = 20;
const channel = 'channel';

export async function latestMemory(
  keys: number,
  recordBytes: number,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const values = () =>
    Array.from({ length: keys }, (_, number) =>
      Publication.binary(Buffer.alloc(recordBytes, 1), 0).withKey(keyOf(number)),
    );
  const server = await OwnRedis.start(running);
  const redis = new Redis(server.url);
  const latest = { maxKeys: keys, maxBytes: Number.MAX_SAFE_INTEGER };
  const history = await startRedisHistory(server.url, { size: 0, ttlMs: 300_000, latest });
  const all = values();
  for (let from = 0; from < keys; from += together)
    await history.append(channel, all.slice(from, from + together));
  const usages = (await redis.keys(`*:${channel}`)).map((key) => redis.memory('USAGE', key, 'SAMPLES', 0));
  const inRedis = (await Promise.all(usages)).reduce<number>((sum, bytes) => sum + Number(bytes), 0);
  redis.disconnect();
  await history.stop();
  await server.stop();

  const inNode = heapBytesOf(copies, () => {
    const kept = new LatestValues();
    kept.take(values());
    return kept;
  });
  reporter.row(`memory of a channel with ${keys.toLocaleString('en')} keys of ${recordBytes} bytes`, {
    'Redis, bytes': String(inRedis),
    'per key': (inRedis / keys).toFixed(0),
    'in a node, bytes': inNode.toFixed(0),
    'per key there': (inNode / keys).toFixed(0),
  });
  reporter.raw({ scenario: 'snapshot', memory: { keys, recordBytes, inRedis, inNode } });
}
