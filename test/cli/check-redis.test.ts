/**
 * What `outcry check` says of Redis, of each server a line and what to do about it, asked of real ones.
 */
import { afterEach, expect, it } from 'vitest';
import { checkedRedis as said } from '../support/checked-redis.ts';
import { TestCommand } from '../support/command.ts';
import { TestRedis } from '../support/redis.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const history = ['--namespaces', '{"kept":{"historySize":10}}'];

async function redis(...flags: string[]): Promise<TestRedis> {
  const server = await TestRedis.start({ flags });
  ends.push(() => server.kill());
  return server;
}

const well = 'redis SERVER: version V, master, 0 replicas, noeviction, 64 of 64 shards';

it('has a line for a server that fits, and nothing without Redis', async () => {
  const [one, none] = await Promise.all([
    redis().then(({ url }) => said(url, ...history)),
    new TestCommand(['check']),
  ]);
  expect(one).toEqual([well]);
  await none.exited;
  expect(none.printed.filter((line) => line.startsWith('redis '))).toEqual([]);
});

it('warns of a replica, and of a server that evicts histories, if there are any', async () => {
  const master = await redis('--maxmemory-policy', 'allkeys-lru');
  const replica = await redis('--replicaof', '127.0.0.1', `${master.port}`);
  const [evicting, carefree, following] = await Promise.all([
    said(master.url, ...history),
    said(master.url),
    said(replica.url),
  ]);
  expect(evicting).toEqual([
    expect.stringMatching(/allkeys-lru, 64 of 64 shards$/),
    expect.stringMatching(
      /^warning: redis SERVER: maxmemory-policy is allkeys-lru, .* set it to noeviction$/,
    ),
  ]);
  expect(carefree).toHaveLength(1);
  expect(following).toEqual([
    expect.stringContaining(', slave, '),
    expect.stringMatching(
      /^warning: redis SERVER: this is a slave, which takes no publications: name the master/,
    ),
  ]);
});

it('warns of one of several that is away, and of nodes that are laid out in another way', async () => {
  const [first, second] = await Promise.all([redis(), redis()]);
  const client = first.client();
  await client.set('outcry.meta', 'v1 shards=16');
  client.disconnect();
  await second.kill();
  expect(await said(`${first.url},${second.url}`)).toEqual([
    'redis SERVER: version V, master, 0 replicas, noeviction, 32 of 64 shards',
    expect.stringMatching(/^warning: redis SERVER: the nodes under this prefix have "v1 shards=16"/),
    expect.stringMatching(/^warning: redis SERVER: /),
  ]);
});
