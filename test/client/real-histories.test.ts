/**
 * The SDK and channels with a history on real nodes that a real Redis joins: what is missed comes back, once and in order,
 * or a gap says why not.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import type { Client, ClientOptions } from '../../src/client/client.ts';
import type { Subscription } from '../../src/client/subscription.ts';
import { balancedClient } from '../support/balanced-client.ts';
import { Chronicle } from '../support/chronicle.ts';
import { TestCommand } from '../support/command.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { onEnd } from '../support/on-end.ts';
import { TestRedis } from '../support/redis.ts';
import { apiOf } from '../support/sequenced-api.ts';
import { until } from '../support/until.ts';

const namespaces = '{"long": {"historySize": 10000}, "five": {"historySize": 5}}';

let redis: TestRedis;
/** The node that nothing happens to. */
let safe: TestNode;

beforeAll(async () => {
  redis = await TestRedis.start();
  safe = await startIn(redis);
});
afterAll(async () => {
  await safe?.stop();
  await redis?.kill();
});

async function startIn({ url }: TestRedis, port = 0, readyWith = 200): Promise<TestNode> {
  const node = await startNode(['--redis', url, '--namespaces', namespaces, '--port', String(port)]);
  onEnd(() => node.kill());
  await node.untilReady(readyWith);
  return node;
}

/** Each attempt goes to the next one of these nodes, as through a balancer. */
function connect(nodes: readonly TestNode[], options: ClientOptions = {}): Client {
  const client = balancedClient(nodes, options);
  onEnd(() => client.close());
  return client;
}

/** Publishes numbers from 1 on, one after the other, until it is told to stop. */
class Speaker {
  published = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(client: Client, channel: string) {
    this.#done = (async () => {
      while (!this.#stopped) {
        await client.publish(channel, this.published + 1, { idempotencyKey: `${this.published + 1}` });
        this.published += 1;
      }
    })();
    this.#done.catch(() => {}); // Told by `stop`.
  }

  async reaches(count: number): Promise<void> {
    await until(
      () => this.published,
      (published) => published >= count,
      { what: `${count} published` },
    );
  }

  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#done;
    return this.published;
  }
}

/** What a subscription hears: data and offset are both the number of the publication. */
function listenTo(subscription: Subscription<number>): { numbers: number[]; holes: string[] } {
  const told = { numbers: [] as number[], holes: [] as string[] };
  subscription.on('publication', ({ data, offset }) =>
    told.numbers.push(data === offset ? data : Number.NaN),
  );
  subscription.on('gap', ({ reason }) => told.holes.push(reason));
  return told;
}

const hears = (numbers: readonly number[], last: number) =>
  until(
    () => numbers.at(-1),
    (number) => number === last,
    { what: `number ${last}` },
  );
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe.each(['json', 'msgpack'] as const)('in %s', (codec) => {
  it('a node that is killed while others publish costs nothing', async () => {
    const victim = await startIn(redis);
    const channel = `long:killed ${codec}`;
    const subscription = connect([victim, safe], { codec }).subscribe<number>(channel);
    const { numbers, holes } = listenTo(subscription);
    await subscription.ready();
    const speaker = new Speaker(connect([safe], { codec }), channel);
    await speaker.reaches(50);
    await victim.kill();
    await speaker.reaches(speaker.published + 200);
    const last = await speaker.stop();
    await hears(numbers, last);
    expect(numbers).toEqual(range(1, last));
    expect(holes).toEqual([]);
  });

  it('with a key a publication comes once, though the node of its publisher is killed around it', async () => {
    const channel = `long:keys ${codec}`;
    const subscription = connect([safe], { codec }).subscribe<number>(channel);
    const { numbers, holes } = listenTo(subscription);
    await subscription.ready();
    const victims = await Promise.all([1, 2, 3].map(() => startIn(redis)));
    for (const [index, victim] of victims.entries()) {
      const publisher = connect([victim, safe], { codec });
      await publisher.ready();
      const from = index * 100;
      const published = range(from + 1, from + 100).map((number) =>
        publisher.publish(channel, number, { idempotencyKey: `${codec} ${number}` }),
      );
      await published[30 * index];
      await victim.kill();
      const offsets = (await Promise.all(published)).map(({ offset }) => offset);
      expect(new Set(offsets).size).toBe(100);
      await until(
        () => numbers.length,
        (count) => count >= from + 100,
      );
    }
    await publishedAfter(channel, numbers);
    // What was repeated may come behind what was not, but nothing comes twice.
    expect(numbers).toHaveLength(301);
    expect(holes).toEqual([]);
  });

  it('whoever joins late under load gets the last ones, and then what is live, without a hole', async () => {
    const channel = `long:late ${codec}`;
    const speaker = new Speaker(connect([safe]), channel);
    await speaker.reaches(150);
    const other = await startIn(redis);
    const client = connect([other], { codec });
    const told = [listenTo(client.subscribe<number>(channel, { last: 100 }))];
    await hasMany(told, 200);
    // In the same client, while the first one goes on.
    told.push(listenTo(client.subscribe<number>(channel, { last: 100 })));
    told.push(listenTo(client.subscribe<number>(channel)));
    await hasMany(told, 200);
    const last = await speaker.stop();
    for (const { numbers, holes } of told) {
      await hears(numbers, last);
      expect(numbers).toEqual(range(numbers[0] as number, last));
      expect(holes).toEqual([]);
    }
    expect(told[1]?.numbers[0]).toBeLessThan(told[2]?.numbers[0] as number);
  });
});

/** One more, by which it shows that nothing comes behind what was heard. */
async function publishedAfter(channel: string, numbers: readonly number[]): Promise<void> {
  const { length } = numbers;
  await connect([safe]).publish(channel, 'the end');
  await until(
    () => numbers.length,
    (count) => count > length,
  );
}

const hasMany = (told: readonly { numbers: number[] }[], count: number) =>
  until(
    () => told.map(({ numbers }) => numbers.length),
    (counts) => counts.every((each) => each >= count),
    { what: `${count} heard` },
  );

/** A client of a node that was killed: what is published now it will have missed. */
async function cutOff(from: TestRedis, channel: string) {
  const [port] = (await freePorts(1)) as [number];
  const victim = await startIn(from, port);
  const client = connect([victim]);
  const chronicle = Chronicle.of(client.subscribe(channel));
  await chronicle.has('subscribed');
  await client.publish(channel, 'before');
  await chronicle.has('before');
  await victim.kill();
  return { client, chronicle, port };
}

it('is told when more was missed than is kept', async () => {
  const { chronicle, port } = await cutOff(redis, 'five:a');
  const publisher = connect([safe]);
  for (const number of range(1, 10)) await publisher.publish('five:a', `missed ${number}`);
  await startIn(redis, port);
  await chronicle.has('subscribed, not recovered: not_kept');
  await publisher.publish('five:a', 'after');
  await chronicle.has('after');
  expect(chronicle.entries).toEqual([
    'subscribed',
    'before',
    'gap: not_kept 10',
    'subscribed, not recovered: not_kept',
    'after',
  ]);
});

it('takes a key once, whether it comes from the SDK, over the API or from the command line', async () => {
  const channel = 'long:everywhere';
  const client = connect([safe]);
  const chronicle = Chronicle.of(client.subscribe(channel));
  await chronicle.has('subscribed');
  const key = { idempotencyKey: 'order-7' };
  for (const expected of [{ published: 1 }, { published: 1 }])
    expect(await apiOf(safe).publish({ channel, text: 'once', ...key })).toMatchObject({
      status: 200,
      body: expected,
    });
  expect(await client.publish(channel, 'once', key)).toMatchObject({ offset: 1, duplicate: true });
  const api = `http://127.0.0.1:${safe.adminPort}`;
  const command = ['publish', channel, 'once', '--idempotency-key', 'order-7', '--api', api];
  expect(await new TestCommand(command).exited).toBe(0);
  await client.publish(channel, 'next', { idempotencyKey: 'order-8' });
  await chronicle.has('next');
  expect(chronicle.entries).toEqual(['subscribed', 'once', 'next']);
});

it('the API says where a stream of lines ends, and where a channel stands', async () => {
  const url = `http://127.0.0.1:${safe.adminPort}/api`;
  const lines = ['long:lines', 'plain', 'long:lines'].map((channel) =>
    JSON.stringify({ channel, text: 'x' }),
  );
  const headers = { 'Content-Type': 'application/x-ndjson' };
  const answer = await fetch(`${url}/publish`, { method: 'POST', headers, body: lines.join('\n') });
  const { positions } = (await answer.json()) as { positions: { epoch: string }[] };
  expect(positions).toEqual([{ channel: 'long:lines', epoch: expect.any(String), offset: 2 }]);
  const stands = async (channel: string) => (await fetch(`${url}/channels/${channel}`)).json();
  expect(await stands('long%3Alines')).toMatchObject({ epoch: positions[0]?.epoch, offset: 2 });
  expect(await stands('plain')).not.toHaveProperty('offset');
});

describe('with a Redis that', () => {
  it('comes back empty it is told, and goes on', async () => {
    const mortal = await TestRedis.start();
    onEnd(() => mortal.kill());
    const node = await startIn(mortal);
    const client = connect([node]);
    const subscription = client.subscribe('long:empty');
    const chronicle = Chronicle.of(subscription);
    await chronicle.has('subscribed');
    await client.publish('long:empty', 'before');
    await chronicle.has('before');
    const { epoch } = subscription.position ?? {};
    await mortal.kill();
    await node.untilReady(503);
    await mortal.start();
    await chronicle.has('gap: epoch_changed null');
    await until(
      () => client.publish('long:empty', 'after').then(...taken),
      (published) => published,
    );
    await chronicle.has('after');
    expect(chronicle.entries).toEqual(['subscribed', 'before', 'gap: epoch_changed null', 'after']);
    expect(subscription.position).toEqual({ epoch: expect.any(String), offset: 1 });
    expect(subscription.position?.epoch).not.toBe(epoch);
  });

  it('does not answer for a while it loses nothing: it is asked again', async () => {
    const sleepy = await TestRedis.start();
    onEnd(() => sleepy.kill());
    const speaking = await startIn(sleepy);
    const { client, chronicle, port } = await cutOff(sleepy, 'long:sleep');
    const publisher = connect([speaking]);
    for (const number of range(1, 3)) await publisher.publish('long:sleep', `missed ${number}`);
    sleepy.freeze();
    const degraded = new Promise((resolve) => client.on('degraded', resolve));
    await startIn(sleepy, port, 503);
    await degraded;
    expect(chronicle.entries).toEqual(['subscribed', 'before']);
    sleepy.thaw();
    await chronicle.has('missed 3');
    // The history answers as soon as Redis does; that the other nodes are heard again may be known a moment later.
    const [subscribed, ...others] = chronicle.entries.slice(2);
    expect(['subscribed, recovered', 'subscribed, degraded, recovered']).toContain(subscribed);
    expect(others).toEqual([...range(1, 3).map((number) => `missed ${number}`)]);
  });
});

const taken = [() => true, () => false] as const;
