/**
 * What the history of one channel takes: in Redis, as it accounts for the keys of the channel, and in a node that keeps the
 * tail of it, as the heap grows by. Publications are appended one by one, and twenty together.
 */
import { Redis } from 'ioredis';
import { Publication } from '../../src/channel/publication.ts';
import { RecentTail } from '../../src/history/recent-tail.ts';
import type { Reporter } from '../report/reporter.ts';
import { heapBytesOf } from '../systems/heap-bytes.ts';
import { OwnRedis } from '../systems/own-redis.ts';
import { startRedisHistory } from '../systems/redis-history.ts';
import type { Running } from '../systems/running.ts';

const size = 100;
const togetherCounts = [1, 20];
/** More than are kept, so that the log has been trimmed. */
const appended = 10 * size;
const tails = 2_000;

export async function historyMemory(
  recordBytes: number,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const server = await OwnRedis.start(running);
  const redis = new Redis(server.url);
  const history = await startRedisHistory(server.url, { size, ttlMs: 300_000 });
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
    const tail = heapBytesOf(tails, () => {
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
  await server.stop();
}
