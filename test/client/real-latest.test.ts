/**
 * The SDK and the latest value of each key on real nodes that a real Redis joins: whatever is killed, `subscription.state` is
 * what the channel has from the moment that the subscription says that it has joined.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/client/client.ts';
import type { Subscription } from '../../src/client/subscription.ts';
import { balancedClient } from '../support/balanced-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { onEnd } from '../support/on-end.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const namespaces = JSON.stringify({
  latest: { latest: 100 },
  both: { latest: 100, historySize: 10_000 },
});
const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);

let redis: TestRedis;
let safe: TestNode;

beforeAll(async () => {
  redis = await TestRedis.start();
  safe = await startIn(redis);
});
afterAll(async () => {
  await safe?.stop();
  await redis?.kill();
});

async function startIn({ url }: TestRedis, ...flags: string[]): Promise<TestNode> {
  const node = await startNode(['--redis', url, '--namespaces', namespaces, ...flags]);
  onEnd(() => node.kill());
  await node.untilReady(200);
  return node;
}

function connect(...nodes: { readonly url: string }[]): Client {
  const client = balancedClient(nodes, { codec: 'msgpack' });
  onEnd(() => client.close());
  return client;
}

/** What a subscription tells, each time with what the state is just then: `state not_kept 20 of 7`. */
function told(subscription: Subscription<number>): string[] {
  const words: string[] = [];
  const now = () => `${subscription.state.size} of ${subscription.state.get('k0')?.data}`;
  subscription.on('subscribed', ({ recovered, reason }) =>
    words.push(`subscribed ${recovered} ${reason}, ${now()}`),
  );
  subscription.on('gap', ({ reason }) => words.push(`gap ${reason}`));
  subscription.on('state', ({ reason }) => words.push(`state ${reason}, ${now()}`));
  return words;
}

const has = (words: readonly string[], word: string) =>
  until(
    () => words,
    (all) => all.includes(word),
    { what: word, withinMs: 20_000 },
  );

const setAll = (client: Client, channel: string, value: number) =>
  Promise.all(keys.map((key) => client.publish(channel, value, { key })));

/** Resolves when every key has the value. */
const isAll = ({ state }: Subscription<number>, value: number) =>
  until(
    () => keys.map((key) => state.get(key)?.data),
    (values) => values.every((each) => each === value),
    { what: `all ${value}`, withinMs: 20_000 },
  );

describe('when its node is killed', () => {
  it.each([
    ['latest:a', ['gap not_kept', 'subscribed false not_kept, 20 of 2', 'state not_kept, 20 of 2']],
    ['both:a', ['subscribed true null, 20 of 1']],
  ])('%s is complete as soon as it is joined again', async (channel, afterwards) => {
    const victim = await startIn(redis);
    const speaker = connect(safe);
    await setAll(speaker, channel, 1);
    // Nobody answers there before everything has been missed.
    const later = { url: 'ws://127.0.0.1:1' };
    const board = connect(victim, later).subscribe<number>(channel);
    const words = told(board);
    await has(words, 'state null, 20 of 1');
    await victim.kill();
    await setAll(speaker, channel, 2);
    await speaker.remove(channel, 'k19');
    await speaker.publish(channel, 2, { key: 'k19' });
    later.url = safe.url;
    await isAll(board, 2);
    expect(words.slice(2)).toEqual(afterwards);
    await setAll(speaker, channel, 3);
    await isAll(board, 3);
    expect(words).toHaveLength(2 + afterwards.length);
  });
});

describe('when its Redis', () => {
  it('is emptied or starts again, the state is what there is', async () => {
    const mortal = await TestRedis.start();
    onEnd(() => mortal.kill());
    const node = await startIn(mortal);
    const client = connect(node);
    const board = client.subscribe<number>('latest:a');
    const words = told(board);
    await board.ready();
    await setAll(client, 'latest:a', 1);
    await isAll(board, 1);

    await mortal.client().flushall();
    // Noticed by the next publication at the latest.
    await until(
      () => client.publish('latest:a', 2, { key: 'k0' }).then(...taken),
      (published) => published,
      { withinMs: 20_000 },
    );
    await has(words, 'gap epoch_changed');
    await until(
      () => [...board.state].map(([key, { data }]) => [key, data]),
      (values) => JSON.stringify(values) === '[["k0",2]]',
      { what: 'the only value' },
    );

    await mortal.kill();
    await node.untilReady(503);
    expect(board.state.size).toBe(1);
    await mortal.start();
    await has(words, 'state epoch_changed, 0 of undefined');
    await until(
      () => setAll(client, 'latest:a', 3).then(...taken),
      (published) => published,
      { withinMs: 20_000 },
    );
    await isAll(board, 3);
  });
});

const taken = [() => true, () => false] as const;
