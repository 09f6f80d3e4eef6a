/**
 * Workers of a host whose cluster has more than one Redis: servers that know nothing of each other, and a Redis Cluster. The relay
 * has the connections; one server that is away costs the channels on it, and nobody else.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { slotOf } from '../../src/bridge/cluster-slots.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { channelIn } from '../support/channels.ts';
import { Follower, type Position, positionIn } from '../support/follower.ts';
import { startHost, type TestHost } from '../support/host.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { TestRedisCluster } from '../support/redis-cluster.ts';
import { runtime } from '../support/runtimes.ts';
import { StateFollower } from '../support/state-follower.ts';
import { until } from '../support/until.ts';
import { followers, publishAt, untilAllReady } from '../support/workers.ts';

/** More than one Redis. */
interface Several {
  /** For `--redis`. */
  readonly url: string;
  readonly servers: readonly TestRedis[];
  /** Which of the servers of the beginning has a shard. */
  placeOf(shard: number): number;
  /** Takes a server away. */
  lose(place: number): Promise<void>;
  /** Resolves when somebody has what was on it. */
  restore(place: number): Promise<void>;
  kill(): Promise<void>;
}

async function independent(): Promise<Several> {
  const servers = await Promise.all([TestRedis.start(), TestRedis.start()]);
  const at = (place: number) => servers[place] as TestRedis;
  return {
    url: servers.map(({ url }) => url).join(),
    servers,
    placeOf: (shard) => shard % 2,
    lose: (place) => at(place).kill(),
    restore: (place) => at(place).start(),
    kill: async () => void (await Promise.all(servers.map((server) => server.kill()))),
  };
}

async function inOneCluster(): Promise<Several & { cluster: TestRedisCluster }> {
  const cluster = await TestRedisCluster.start(1);
  const at = (place: number) => cluster.servers[place] as TestRedis;
  return {
    cluster,
    url: cluster.url,
    servers: cluster.servers.slice(0, 3),
    placeOf: (shard) => cluster.masterOf(String(shard)),
    lose: (place) => cluster.lose(at(place)),
    restore: (place) => cluster.promoted(at(place + 3)),
    kill: () => cluster.kill(),
  };
}

const namespaces = ['--namespaces', '{"h": {"historySize": 1000}, "l": {"latest": 100}}'];

/** What somebody lost; holes are known in channels with a history. */
const harmOf = (all: readonly Follower[]) =>
  all.flatMap(({ channel, faults, gaps }) => [...(channel.startsWith('h:') ? faults : []), ...gaps]);

/** A host with two workers, and a node beside it. */
interface Stage<Redis extends Several> {
  readonly redis: Redis;
  readonly host: TestHost;
  readonly far: TestNode;
}

async function begin<Redis extends Several>(redis: Redis): Promise<Stage<Redis>> {
  const flags = ['--redis', redis.url, ...namespaces];
  const [host, far] = await Promise.all([startHost(2, flags), startNode([...flags, '--node-id', 'far'])]);
  await Promise.all([untilAllReady(host), far.untilReady(200)]);
  return { redis, host, far };
}

async function end({ redis, host, far }: Stage<Several>): Promise<void> {
  await Promise.all([host.stop(), far.stop()]);
  await redis.kill();
}

/** Resolves when a node has been heard of on a server of a Cluster: nobody is missed before. */
async function heard(server: TestRedis, nodeId: string): Promise<void> {
  const client = server.client();
  let beats = 0;
  client.on('smessageBuffer', (_channel: Buffer, bytes: Buffer) => {
    if (bytes.includes(nodeId)) beats += 1;
  });
  await client.ssubscribe(...((await client.call('PUBSUB', 'SHARDCHANNELS', '*.beat.*')) as string[]));
  await until(
    () => beats,
    (count) => count > 1,
    { what: `beats of ${nodeId}` },
  );
}

let servers: Stage<Several>;
let cluster: Stage<Several & { cluster: TestRedisCluster }>;
// Both wait more than they work.
beforeAll(async () => {
  [servers, cluster] = await Promise.all([independent().then(begin), inOneCluster().then(begin)]);
});
afterAll(async () => void (await Promise.all([servers, cluster].map(end))));

describe.each([
  ['several servers', () => servers],
  ['a Redis Cluster', () => cluster],
])('two workers and %s', (what, stage) => {
  let redis: Several;
  let host: TestHost;
  let far: TestNode;
  beforeAll(() => {
    ({ redis, host, far } = stage());
  });

  const on = (place: number, prefix: string) => channelIn(prefix, (shard) => redis.placeOf(shard) === place);

  async function followFar(channel: string): Promise<Follower> {
    const follower = await Follower.join(far.url, channel);
    onTestFinished(() => follower.close());
    return follower;
  }

  it('carry every channel, among each other and to other nodes, through the connections of the relay', async () => {
    for (const place of redis.servers.keys())
      for (const channel of [on(place, 'p'), on(place, 'h:')]) {
        const [there, ...here] = await Promise.all([
          followFar(channel),
          ...(await followers(host, channel, 2)),
        ]);
        const all = [there, ...here];
        await Promise.all(['0', '1'].map((worker) => publishAt(host.process(worker), channel, worker)));
        await (there as Follower).publish('far');
        for (const each of all) expect([...(await each.hears(3))].sort()).toEqual(['0', '1', 'far']);
        const ends = new Set(all.map(({ position }) => JSON.stringify(position)));
        if (channel.startsWith('h:')) expect(ends.size).toBe(1);
        expect(harmOf(all)).toEqual([]);
      }
    for (const server of redis.servers) {
      const client = server.client();
      const names = String(await client.call('CLIENT', 'LIST')).match(/(?<=name=)outcry-\w+(?=:)/g) ?? [];
      client.disconnect();
      // Of the relay, and of the other node; looks come and go.
      expect(names.filter((name) => name === 'outcry-sub')).toHaveLength(2);
      expect(names.filter((name) => name === 'outcry-his')).toHaveLength(2);
      expect(names.filter((name) => name === 'outcry-pub')).toHaveLength(2);
    }
    for (const worker of ['0', '1', 'relay'])
      expect(await host.metric(`outcry_bridge_servers_connected{worker="${worker}"}`)).toBe(
        redis.servers.length,
      );
  });

  it('have the latest values wherever they were set', async () => {
    for (const place of redis.servers.keys()) {
      const channel = on(place, 'l:');
      const here = await StateFollower.join(host.url, channel);
      const there = await StateFollower.join(far.url, channel);
      await here.set('a', '1');
      const last = (await there.set('b', '2')) as Position;
      const late = await StateFollower.join(host.url, channel);
      for (const each of [here, there, late]) {
        await each.reaches(last);
        expect([each.values, each.faults]).toEqual([{ a: '1', b: '2' }, []]);
        await each.close();
      }
    }
  });

  it('lose one: its channels alone are degraded, and whoever may have missed something is told', async () => {
    const [plain, kept] = [on(1, 'q'), on(1, 'h:q')];
    const [calm, keptCalm] = [on(0, 'q'), on(0, 'h:q')];
    const [lost, lostKept, unharmed, unharmedKept] = (await Promise.all(
      [plain, kept, calm, keptCalm].map((channel) => followers(host, channel, 2)),
    )) as [Follower[], Follower[], Follower[], Follower[]];
    const there = await followFar(kept);
    const before = positionIn(await there.publish('before'));
    await Promise.all(lostKept.map((each) => each.hears(1)));

    await redis.lose(1);
    for (const worker of ['0', '1'])
      await until(
        async () =>
          (await fetch(`http://127.0.0.1:${host.process(worker).adminPort}/health/ready`)).status === 503,
        (away) => away,
        { what: `worker ${worker} being away` },
      );
    const zero = host.process('0');
    expect(await publishAt(zero, plain, 'refused')).toBe(503);
    expect(await publishAt(zero, kept, 'refused')).toBe(503);
    for (const channel of [calm, keptCalm]) expect(await publishAt(zero, channel, 'on')).toBe(200);
    for (const each of [...unharmed, ...unharmedKept]) expect(await each.hears(1)).toEqual(['on']);

    await redis.restore(1);
    await Promise.all([untilAllReady(host), far.untilReady(200)]);
    for (const each of lost) expect(await each.isTold(1)).toContain('bridge_away');
    for (const each of lostKept) expect(await each.isTold(1)).toContain('epoch_changed');
    const after = positionIn(await there.publish('after'));
    expect(after.epoch).not.toBe(before.epoch);
    for (const each of lostKept) expect((await each.hears(2)).at(-1)).toBe('after');
    const back = await Follower.join(host.url, kept, { since: before });
    onTestFinished(() => back.close());
    expect(back.standing).toMatchObject({ recovered: false, reason: 'epoch_changed' });
    expect(harmOf([...unharmed, ...unharmedKept])).toEqual([]);
  });

  it.runIf(what === 'a Redis Cluster')('follow a slot to another master', async () => {
    const all = cluster.redis.cluster;
    const [from, to] = [redis.servers[0], redis.servers[2]] as [TestRedis, TestRedis];
    const channel = on(0, 'h:moved');
    const here = await followers(host, channel, 2);
    const there = await followFar(channel);
    await there.publish('before');
    for (const each of here) await each.hears(1);
    const slot = String(slotOf(String(shardOf(channel, 64))));
    await all.moveSlot(slot, from, to, String(await all.ask(to, 'CLUSTER', 'MYID')));
    for (const each of here) await each.isTold(1);
    await Promise.all([untilAllReady(host), far.untilReady(200)]);
    await until(
      () => publishAt(host.process('0'), channel, 'after'),
      (status) => status === 200,
      { what: 'somebody taking it' },
    );
    for (const each of [...here, there]) {
      await until(
        () => each.texts.at(-1),
        (last) => last === 'after',
        { what: 'what came after' },
      );
      expect(each.faults).toEqual([]);
    }
  });

  // The last one: afterwards the other node is gone.
  it.runIf(what === 'a Redis Cluster' && runtime === 'bun')(
    'are away when the relay may be the one that was left behind, until somebody can say who the master is',
    async () => {
      await heard(redis.servers[0] as TestRedis, 'far');
      const { running } = cluster.redis.cluster;
      const rest = running.filter((each) => each !== redis.servers[0]);
      for (const each of rest) each.freeze();
      await far.kill();
      for (const worker of ['0', '1'])
        await until(
          () => host.metric(`outcry_bridge_servers_connected{worker="${worker}"}`),
          (connected) => connected === 0,
          { what: `worker ${worker} knowing that nobody knows` },
        );
      for (const each of rest) each.thaw();
      await untilAllReady(host);
    },
  );
});
