/**
 * The history over Redis without a node around it, for questions about what it keeps there.
 */
import { RedisConnection } from '../../src/bridge/redis-connection.ts';
import type { Retention } from '../../src/channel/position.ts';
import { systemClock } from '../../src/clock.ts';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { RedisHistory } from '../../src/history/redis-history.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { monotonicMs } from '../generator/monotonic.ts';

const startTimeoutMs = 10_000;

const shards = 64;

/** Resolves when it has its connection. @throws Error if it does not get one */
export async function startRedisHistory(url: string, retention: Retention): Promise<RedisHistory> {
  const address = parseRedisUrl(url) as RedisAddress;
  const common = { commandTimeoutMs: 2_000, clock: systemClock };
  const history = new RedisHistory({
    ...common,
    ...{ prefix: 'outcry', shards, bootId: 'bench', inCluster: false, maxBytesInFlight: 1e8 },
    batch: { maxDelayMs: 2, maxBytes: 65_536, maxItems: 1_024 },
    retention: () => retention,
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
