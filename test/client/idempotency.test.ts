/**
 * Idempotency keys in channels without a history, on real nodes that a real Redis joins: what is repeated, by whomever and
 * on whichever node, reaches each subscriber once.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Client, ClientOptions } from '../../src/client/client.ts';
import { balancedClient } from '../support/balanced-client.ts';
import { TestCommand } from '../support/command.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { apiOf } from '../support/sequenced-api.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
/** Two nodes that nothing happens to. */
let left: TestNode;
let right: TestNode;

const start = () => startNode(['--redis', redis.url, '--redis-command-timeout-ms', '1000']);

beforeAll(async () => {
  redis = await TestRedis.start();
  [left, right] = await Promise.all([start(), start()]);
  for (const node of [left, right]) await node.untilReady(200);
});
afterAll(async () => {
  await Promise.all([left?.stop(), right?.stop()]);
  await redis?.kill();
});

function connect(nodes: readonly TestNode[], options: ClientOptions = {}): Client {
  const client = balancedClient(nodes, options);
  onTestFinished(() => client.close());
  return client;
}

/** What a subscriber of each of the two nodes hears. */
async function listeners(channel: string, options: ClientOptions = {}): Promise<unknown[][]> {
  return await Promise.all(
    [left, right].map(async (node) => {
      const heard: unknown[] = [];
      const subscription = connect([node], options).subscribe(channel);
      subscription.on('publication', ({ data }) => heard.push(data));
      await subscription.ready();
      return heard;
    }),
  );
}

/** Resolves when both have heard this, behind which nothing of before comes. */
const hear = (heard: unknown[][], last: unknown) =>
  until(
    () => heard,
    (all) => all.every((each) => each.at(-1) === last),
    { what: `${last} at the end` },
  );

describe.each(['json', 'msgpack'] as const)('in %s', (codec) => {
  it('comes once, though the node of its publisher is killed around it', async () => {
    const channel = `killed ${codec}`;
    const heard = await listeners(channel, { codec });
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    const victim = await start();
    onTestFinished(async () => void (await victim.kill()));
    await victim.untilReady(200);
    const publisher = connect([victim, right], { codec });
    await publisher.ready();
    const published = numbers.map((number) =>
      publisher.publish(channel, number, { idempotencyKey: `${number}` }),
    );
    // Some are answered, some only sent, some were delivered and not answered.
    await published[50];
    await victim.kill();
    const answers = await Promise.all(published);
    expect(answers.filter(({ degraded, offset }) => degraded || offset !== null)).toEqual([]);
    // With a key as well: its client may not have noticed yet that the node is gone.
    await publisher.publish(channel, 'the end', { idempotencyKey: 'the end' });
    await hear(heard, 'the end');
    for (const each of heard) {
      expect(each.length).toBe(201);
      expect(new Set(each).size).toBe(201);
    }
  });
});

it('is taken once, whether it comes from the SDK, over the API or from the command line, on either node', async () => {
  const heard = await listeners('everywhere');
  const duplicates = () => right.metric('outcry_duplicates_discarded_total{from="published"}');
  const before = await duplicates();
  const key = { idempotencyKey: 'order-7' };
  const publication = { channel: 'everywhere', text: 'once', ...key };
  expect(await apiOf(left).publish(publication)).toEqual({ status: 200, body: { published: 1 } });
  const duplicate = { status: 200, body: { published: 1, duplicate: true } };
  expect(await apiOf(left).publish(publication)).toEqual(duplicate);
  await hear(heard, 'once');
  expect(await apiOf(right).publish(publication)).toEqual(duplicate);
  for (const node of [left, right])
    expect(await connect([node]).publish('everywhere', 'once', key)).toEqual({
      ...{ degraded: false, epoch: null, offset: null, duplicate: true },
    });
  const api = `http://127.0.0.1:${right.adminPort}`;
  const command = ['publish', 'everywhere', 'once', '--idempotency-key', 'order-7', '--api', api];
  expect(await new TestCommand(command).exited).toBe(0);
  await connect([left]).publish('everywhere', 'next', { idempotencyKey: 'order-8' });
  await hear(heard, 'next');
  expect(heard).toEqual([
    ['once', 'next'],
    ['once', 'next'],
  ]);
  expect(await duplicates()).toBe(before + 3);
});

it('of a publication with an unknown outcome brings it to whom it did not reach', async () => {
  const heard = await listeners('frozen');
  const publisher = connect([left]);
  const publish = () =>
    publisher
      .publish('frozen', 'once', { idempotencyKey: 'k' })
      .then(({ degraded }) => (degraded ? 'degraded' : 'published'))
      .catch(({ name }) => name);
  await publisher.ready();
  redis.freeze();
  expect(await publish()).toBe('outcome_unknown');
  expect(heard).toEqual([['once'], []]);
  await left.untilReady(503);
  expect(await publish()).toBe('degraded');
  redis.thaw();
  for (const node of [left, right]) await node.untilReady(200);
  // The node may still find that others were silent for a while; then it says so, and is asked again.
  await until(publish, (outcome) => outcome === 'published');
  await publisher.publish('frozen', 'next');
  await hear(heard, 'next');
  expect(heard).toEqual([
    ['once', 'next'],
    ['once', 'next'],
  ]);
});
