/**
 * A real Redis Cluster of three masters: publications go by sharded pub/sub, histories lie where their shards are, and a master
 * that fails or gives slots away costs nobody anything in silence.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { slotOf } from '../../src/bridge/cluster-slots.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { checkedRedis } from '../support/checked-redis.ts';
import { channelIn } from '../support/channels.ts';
import { Follower, positionIn } from '../support/follower.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { TestRedisCluster } from '../support/redis-cluster.ts';

let cluster: TestRedisCluster;
let left: TestNode;
let right: TestNode;
beforeAll(async () => {
  cluster = await TestRedisCluster.start(1);
  [left, right] = await Promise.all([node('left'), node('right')]);
  await Promise.all([left.untilReady(200), right.untilReady(200)]);
}, 60_000);
afterAll(async () => {
  await Promise.all([left?.stop(), right?.stop()]);
  await cluster?.kill();
});

async function node(nodeId: string, redis = cluster.url): Promise<TestNode> {
  return await startNode([
    ...['--redis', redis, '--node-id', nodeId, '--namespaces', '{"h": {"historySize": 100}}'],
  ]);
}

async function follow(at: TestNode, channel: string): Promise<Follower> {
  const follower = await Follower.join(at.url, channel);
  onTestFinished(() => follower.close());
  return follower;
}

/** A channel whose shard belongs to one of the three masters. */
const on = (master: number, prefix: string) =>
  channelIn(prefix, (shard) => cluster.masterOf(String(shard)) === master);
const server = (index: number) => cluster.servers[index] as TestRedis;

it('carries every channel on the master of its shard, by sharded pub/sub', async () => {
  for (const channel of [0, 1, 2].flatMap((master) => [on(master, 'p'), on(master, 'h:')])) {
    const [here, there] = await Promise.all([follow(left, channel), follow(right, channel)]);
    const published = await here.publish('over');
    expect(await there.hears(1)).toEqual(['over']);
    if (channel.startsWith('h:')) expect(there.position).toEqual(positionIn(published));
  }
  for (const index of [0, 1, 2]) {
    expect(await cluster.ask(server(index), 'PUBSUB', 'CHANNELS')).toEqual([]);
    const names = (await cluster.ask(server(index), 'PUBSUB', 'SHARDCHANNELS')) as string[];
    expect(names.filter((name) => name.includes('.beat.'))).toHaveLength(1);
    expect(names.length).toBeGreaterThan(2);
  }
  expect(await left.metric('outcry_bridge_servers_connected')).toBe(3);
  await left.untilMetric('outcry_cluster_nodes', 2);
});

it('is found well by outcry check, master by master, unless all would have to be there', async () => {
  const flags = ['--namespaces', '{"h": {"historySize": 100}}'] as const;
  const well = /^redis SERVER: version V, master, 1 replicas, noeviction, \d+ of 64 shards$/;
  expect(await checkedRedis(cluster.url, ...flags)).toEqual(Array(3).fill(expect.stringMatching(well)));
  await cluster.ask(server(0), 'CONFIG', 'SET', 'cluster-require-full-coverage', 'yes');
  const strict = await checkedRedis(cluster.url, ...flags);
  await cluster.ask(server(0), 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
  expect(strict.filter((line) => line.startsWith('warning: '))).toEqual([
    expect.stringContaining('set cluster-require-full-coverage to no'),
  ]);
});

it('gives a slot to another master, and the channels in it go on there', async () => {
  const channel = on(0, 'moved');
  const elsewhere = on(1, 'stays');
  const slot = String(slotOf(String(shardOf(channel, 64))));
  const [here, there, calm] = await Promise.all([
    follow(left, channel),
    follow(right, channel),
    follow(right, elsewhere),
  ]);
  await here.publish('before');
  await there.hears(1);
  const id = String(await cluster.ask(server(2), 'CLUSTER', 'MYID'));
  // Keys of the layout and of claims may be in it: they move as an operator would move them.
  await cluster.moveSlot(slot, server(0), server(2), id);
  await here.isTold(1);
  await there.isTold(1);
  await Promise.all([left.untilReady(200), right.untilReady(200)]);
  await here.publish('after');
  expect((await there.hears(2)).at(-1)).toBe('after');
  expect({ gaps: calm.gaps, faults: calm.faults }).toEqual({ gaps: [], faults: [] });
}, 60_000);

it('loses a master: its channels begin anew on the replica that takes over, and no other notices', async () => {
  const [lost, kept] = [on(1, 'h:lost'), on(0, 'h:kept')];
  const [plain, calm] = [on(1, 'plain'), on(0, 'calm')];
  const [here, there, keptHere, keptThere, plainHere, plainThere, calmThere] = (await Promise.all([
    ...[follow(left, lost), follow(right, lost), follow(left, kept), follow(right, kept)],
    ...[follow(left, plain), follow(right, plain), follow(right, calm)],
  ])) as [Follower, Follower, Follower, Follower, Follower, Follower, Follower];
  const before = positionIn(await here.publish('before'));
  await there.hears(1);
  await cluster.lose(server(1));
  await Promise.all([left.untilReady(503), right.untilReady(503)]);
  expect(await here.publish('refused')).toBeTypeOf('number');
  const during = positionIn(await keptHere.publish('during'));
  await keptThere.hears(1);
  expect(keptThere.position).toEqual(during);

  await cluster.promoted(server(4));
  await Promise.all([left.untilReady(200), right.untilReady(200)]);
  expect(await there.isTold(1)).toEqual(['epoch_changed']);
  expect(await plainThere.isTold(1)).toEqual(['bridge_away']);
  const after = positionIn(await here.publish('after'));
  expect(after.epoch).not.toBe(before.epoch);
  expect((await there.hears(2)).at(-1)).toBe('after');
  const back = await Follower.join(left.url, lost, { since: before });
  onTestFinished(() => back.close());
  expect(back.standing).toMatchObject({ recovered: false, reason: 'epoch_changed' });
  await plainHere.publish('after');
  expect(await plainThere.hears(1)).toEqual(['after']);
  for (const follower of [keptHere, keptThere, calmThere])
    expect({ gaps: follower.gaps, faults: follower.faults }).toEqual({ gaps: [], faults: [] });
}, 60_000);

describe('a node that was told something else', () => {
  it('than what it finds says so: a server of a cluster alone, a server of none', async () => {
    const alone = await TestRedis.start();
    onTestFinished(() => alone.kill());
    const wrong = await Promise.all([
      node('one', `redis://127.0.0.1:${server(0).port}`),
      node('none', `redis+cluster://127.0.0.1:${alone.port}`),
    ]);
    onTestFinished(async () => void (await Promise.all(wrong.map((each) => each.stop()))));
    await wrong[0].untilLog(/is part of a Redis Cluster: use redis\+cluster/);
    await wrong[1].untilLog(/is part of no Redis Cluster/);
    for (const each of wrong) expect(await each.ready()).toBe(503);
  });

  it('than the others about the number of shards says so', async () => {
    const other = await startNode(['--redis', cluster.url, '--redis-shards', '32']);
    onTestFinished(async () => void (await other.stop()));
    await other.untilLog(/laid out differently/);
    expect(await other.ready()).toBe(503);
  });
});

describe('three masters without replicas', () => {
  it('do not speak for themselves when they lose sight of each other later than a node that has gone was forgotten', async () => {
    const masters = await TestRedisCluster.start(0);
    onTestFinished(() => masters.kill());
    const [near, ...far] = masters.servers as [TestRedis, ...TestRedis[]];
    const [stays, goes] = await Promise.all([node('stays', masters.url), node('goes', masters.url)]);
    onTestFinished(async () => void (await Promise.all([stays.stop(), goes.kill()])));
    await Promise.all([stays.untilReady(200), goes.untilReady(200)]);
    await stays.untilMetric('outcry_cluster_nodes', 2);
    // As if it had all the time in the world before it counts the others as failed.
    await masters.ask(near, 'CONFIG', 'SET', 'cluster-node-timeout', '3600000');
    for (const each of far) each.freeze();
    await goes.kill();
    await stays.untilMetric('outcry_cluster_nodes', 1);
    await stays.untilMetric('outcry_bridge_servers_connected', 1);
    await masters.ask(near, 'CONFIG', 'SET', 'cluster-node-timeout', '1000');
    await stays.untilMetric('outcry_bridge_servers_connected', 0);
    for (const each of far) each.thaw();
    await stays.untilReady(200);
  }, 90_000);
});

// The last one: afterwards there is one node.
it('says that it is away when it may be the one that was left behind, until somebody can say who the master is', async () => {
  const rest = cluster.running.filter((each) => each !== server(0));
  for (const each of rest) each.freeze();
  await right.kill();
  // The server that answers has lost sight of the others, as it would on the smaller side of a split.
  await left.untilLog(/nobody says whether this Redis is still the right one/);
  await left.untilMetric('outcry_bridge_servers_connected', 0);
  for (const each of rest) each.thaw();
  await left.untilReady(200);
  expect(await left.metric('outcry_bridge_servers_connected')).toBe(3);
}, 60_000);
