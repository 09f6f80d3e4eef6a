import { expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Publication } from '../channel/publication.ts';
import { HistoryMetrics } from '../metrics/history-metrics.ts';
import { appendScript } from './redis-append-script.ts';
import { RedisAppender } from './redis-appender.ts';
import { claimScript } from './redis-claim-script.ts';
import { RedisClaims } from './redis-claims.ts';
import type { RedisLink } from './redis-link.ts';
import { ShardKeys } from './redis-script.ts';
import { ShardLinks } from './shard-links.ts';

const shards = 64;

/** Appends through a Redis that answers at once. How the scripts fare on a real one is tested in `test/history`. */
function appender() {
  const clock = new FakeClock();
  const start = clock.now();
  const keys = Array.from({ length: shards }, (_, shard) => new ShardKeys('outcry', shards, shard));
  const metrics = new HistoryMetrics();
  /** When each batch went out, in milliseconds. */
  const sent: number[] = [];
  const link: RedisLink = {
    ready: true,
    bytesInFlight: 0,
    async run(script) {
      if (script === claimScript) return 'claim';
      sent.push(clock.now() - start);
      return 'done epoch 1 0';
    },
    reconnect() {},
    end() {},
  };
  const links = new ShardLinks(shards);
  links.assign([...keys.keys()], link);
  const inner = new RedisAppender({
    ...{ script: appendScript, links, keys, clock, metrics },
    claims: new RedisClaims(keys, claimScript, clock, metrics),
    bootId: 'boot',
    retention: () => ({ size: 10, ttlMs: 60_000 }),
    commandTimeoutMs: 1_000,
    maxBytesInFlight: 1e6,
    batch: { maxDelayMs: 2, maxBytes: 65_536, maxItems: 1_024 },
    onTrouble() {},
  });
  /** One publication for each of so many shards, all in one turn. */
  function append(count: number): void {
    for (let shard = 0; shard < count; shard += 1)
      void inner.append(shard, `channel-${shard}`, [Publication.text('x', 0)], null);
  }
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    clock.endTurn();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return { append, pass, sent };
}

test.each([
  ['one shard is due, the next batch lingers for maxDelayMs', 1, 2],
  ['few shards are due, likewise', 6, 2],
  ['many shards are due together, it lingers for a part of that for each', 40, 12],
  ['all 64 are, it lingers for nearly 20 ms', 64, 19.2],
])('where %s', async (_what, count, lingerMs) => {
  const { append, pass, sent } = appender();
  append(count);
  await pass(0);
  expect(sent).toEqual(Array(count).fill(0));
  append(count);
  await pass(lingerMs - 0.1);
  expect(sent).toHaveLength(count);
  await pass(0.1);
  expect(sent).toHaveLength(2 * count);
});
