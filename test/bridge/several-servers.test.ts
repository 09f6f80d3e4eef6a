/**
 * Two Redis servers that know nothing of each other: each has the channels of half the shards, and one that is away costs these
 * alone.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { api, post } from '../support/api.ts';
import { channelIn } from '../support/channels.ts';
import { Follower, positionIn } from '../support/follower.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';

const onFirst = (prefix: string) => channelIn(prefix, (shard) => shard % 2 === 0);
const onSecond = (prefix: string) => channelIn(prefix, (shard) => shard % 2 === 1);

let servers: readonly [TestRedis, TestRedis];
let left: TestNode;
let right: TestNode;
beforeAll(async () => {
  servers = await Promise.all([TestRedis.start(), TestRedis.start()]);
  [left, right] = await Promise.all([node('left'), node('right')]);
  await Promise.all([left.untilReady(200), right.untilReady(200)]);
  await Promise.all([left, right].map((each) => each.untilMetric('outcry_cluster_nodes', 2)));
});
afterAll(async () => {
  await Promise.all([left?.stop(), right?.stop()]);
  await Promise.all(servers.map((server) => server.kill()));
});

const list = (...of: TestRedis[]) => of.map(({ url }) => url).join();

async function node(nodeId: string, redis = list(...servers)): Promise<TestNode> {
  const namespaces = '{"h": {"historySize": 100}}';
  return await startNode(['--redis', redis, '--node-id', nodeId, '--namespaces', namespaces]);
}

async function follow(at: TestNode, channel: string): Promise<Follower> {
  const follower = await Follower.join(at.url, channel);
  onTestFinished(() => follower.close());
  return follower;
}

it('each carry their half of the channels, plain ones and those with history', async () => {
  for (const channel of [onFirst('p'), onSecond('p'), onFirst('h:'), onSecond('h:')]) {
    const [here, there] = await Promise.all([follow(left, channel), follow(right, channel)]);
    const published = await here.publish('over');
    expect(await there.hears(1)).toEqual(['over']);
    if (channel.startsWith('h:')) expect(there.position).toEqual(positionIn(published));
  }
  for (const [index, server] of servers.entries()) {
    const names = (await server.client().call('PUBSUB', 'CHANNELS', '*.{*')) as string[];
    const shards = new Set(names.map((name) => Number(/\{(\d+)\}/.exec(name)?.[1]) % 2));
    expect([...shards]).toEqual([index]);
  }
  expect(await left.metric('outcry_bridge_servers')).toBe(2);
  expect(await left.metric('outcry_bridge_servers_connected')).toBe(2);
});

it('are one cluster to an operator: each node is there once, and answers once', async () => {
  const follower = await follow(right, onSecond('counted'));
  const { body } = await api(left, 'nodes');
  expect(body.nodes.map(({ node }: { node: string }) => node).sort()).toEqual(['left', 'right']);
  const channel = await api(left, `channels/${follower.channel}`);
  expect(channel.body).toMatchObject({ subscribers: { node: 0, cluster: 1 }, complete: true });
});

it('with one of them away: its channels are degraded, the others go on, and readiness says no until it is back', async () => {
  const [plain, far] = [onFirst('q'), onSecond('q')];
  const [kept, farKept] = [onFirst('h:q'), onSecond('h:q')];
  const all = await Promise.all([plain, far, kept, farKept].map((channel) => follow(right, channel)));
  const [there, farThere, keptThere, farKeptThere] = all as [Follower, Follower, Follower, Follower];
  const [, , keptHere, farKeptHere] = (await Promise.all(
    [plain, far, kept, farKept].map((channel) => follow(left, channel)),
  )) as [Follower, Follower, Follower, Follower];
  const before = positionIn(await farKeptHere.publish('before'));
  await farKeptThere.hears(1);

  await servers[1].kill();
  await Promise.all([left.untilReady(503), right.untilReady(503)]);
  expect(await left.metric('outcry_bridge_servers_connected')).toBe(1);
  expect(await left.metric('outcry_bridge_connected')).toBe(0);
  await Promise.all([farThere, farKeptThere].map((follower) => follower.isDegraded()));
  expect((await post(left, 'publish', { channel: plain, text: '1' })).status).toBe(200);
  expect(await there.hears(1)).toEqual(['1']);
  expect((await post(left, 'publish', { channel: far, text: '1' })).body.error.name).toBe('unavailable');
  positionIn(await keptHere.publish('1'));
  expect(await keptThere.hears(1)).toEqual(['1']);
  expect(await farKeptHere.publish('refused')).toBeTypeOf('number');
  expect((await follow(right, plain)).standing.degraded).toBe(false);
  expect((await follow(right, far)).standing.degraded).toBe(true);

  await servers[1].start();
  await Promise.all([left.untilReady(200), right.untilReady(200)]);
  expect(await farThere.isTold(1)).toEqual(['bridge_away']);
  expect(await farKeptThere.isTold(1)).toEqual(['epoch_changed']);
  expect((await post(left, 'publish', { channel: far, text: '2' })).status).toBe(200);
  expect(await farThere.hears(1)).toEqual(['2']);
  const after = positionIn(await farKeptHere.publish('after'));
  expect(after.epoch).not.toBe(before.epoch);
  expect(await farKeptThere.hears(2)).toEqual(['before', 'after']);
  const back = await Follower.join(left.url, farKept, { since: before });
  expect(back.standing).toMatchObject({ recovered: false, reason: 'epoch_changed' });
  await back.close();
  expect([there.gaps, keptThere.gaps, keptThere.faults]).toEqual([[], [], []]);
  expect([there.degraded, keptThere.degraded]).toEqual([0, 0]);
}, 60_000);

describe('a node with another list', () => {
  it.each<[string, () => string, RegExp]>([
    ['in another order', () => list(servers[1], servers[0]), /server=2\/2/],
    ['that lacks one', () => list(servers[0]), /shards=64"/],
  ])('%s says so, and is never ready', async (_what, redis, ours) => {
    const other = await node('other', redis());
    onTestFinished(async () => void (await other.stop()));
    await other.untilLog(/laid out differently/);
    await other.untilLog(ours);
    expect(await other.ready()).toBe(503);
    expect(await left.ready()).toBe(200);
  });
});
