/**
 * The latest values on nodes that are joined by a Redis: the same on all nodes, and whatever fails, what a client has is what
 * the channel has, or it is told.
 */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Publication } from '../../src/channel/publication.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { HistoryNode, shards, unheard } from '../history/history-node.ts';
import type { Subprotocol } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { apiOf } from '../support/sequenced-api.ts';
import { type Position, StateFollower } from '../support/state-follower.ts';
import { until } from '../support/until.ts';

const namespaces = JSON.stringify({
  l: { latest: 100 },
  both: { latest: 100, historySize: 10_000 },
  three: { latest: 3 },
});
const codecs: Subprotocol[] = ['outcry.v1.json', 'outcry.v1.msgpack'];
const channel = 'l:a';
const keyOf = (kind: string, of = channel) => `outcry.v1.${shards}.{${shardOf(of, shards)}}.${kind}:${of}`;

let redis: TestRedis;
beforeEach(async () => {
  redis = await TestRedis.start();
});
afterEach(() => redis.kill());

async function node(nodeId: string): Promise<TestNode> {
  const started = await startNode([
    ...['--redis', redis.url, '--redis-shards', String(shards), '--node-id', nodeId],
    ...['--namespaces', namespaces],
  ]);
  onTestFinished(async () => void (await started.stop()));
  await started.untilReady(200);
  return started;
}

async function join(
  at: TestNode,
  to = channel,
  wish = {},
  subprotocol: Subprotocol = 'outcry.v1.json',
): Promise<StateFollower> {
  const follower = await StateFollower.join(at.url, to, wish, subprotocol);
  onTestFinished(() => follower.close());
  return follower;
}

const retention = () => ({ size: 0, ttlMs: 300_000, latest: { maxKeys: 100, maxBytes: 524_288 } });
const silentNode = () => HistoryNode.start({ port: redis.port, between: unheard, retention });
const set = (key: string, text: string) => Publication.text(text, 0).withKey(key);

async function expectSame(
  followers: readonly StateFollower[],
  end: Position,
): Promise<Record<string, string>> {
  await Promise.all(followers.map((follower) => follower.reaches(end)));
  const values = followers[0]?.values ?? {};
  for (const follower of followers) {
    expect(follower.values).toEqual(values);
    expect(follower.faults).toEqual([]);
  }
  return values;
}

describe('two nodes', () => {
  it.each(['l:busy', 'both:busy'])(
    'give every subscriber the values and then the stream while both are published on: %s',
    async (busy) => {
      const [left, right] = await Promise.all([node('left'), node('right')]);
      const speakers = await Promise.all([join(left, busy), join(right, busy)]);
      const followers = [...speakers];
      let stopped = false;
      let end: Position = { epoch: '', offset: 0 };
      const speaking = speakers.map(async (speaker, which) => {
        for (let n = 0; !stopped; n += 1) {
          const answers = await Promise.all(
            Array.from({ length: 10 }, (_, i) => {
              const key = `k${(n * 7 + i * 3) % 40}`;
              return n % 5 === 4 && i < 3 ? speaker.set(key, null) : speaker.set(key, `${which}-${n}-${i}`);
            }),
          );
          for (const answer of answers) {
            if (typeof answer === 'number') throw new Error(`refused with ${answer}`);
            if (answer.offset > end.offset) end = answer;
          }
        }
      });
      for (let round = 0; round < 12; round += 1) {
        const { offset } = end;
        followers.push(
          ...(await Promise.all(
            [left, right].flatMap((at) => codecs.map((codec) => join(at, busy, {}, codec))),
          )),
        );
        // Who joins next finds more, however busy the machine is.
        await until(
          () => end.offset,
          (now) => now > offset,
          { what: 'something new' },
        );
      }
      stopped = true;
      await Promise.all(speaking);
      const values = await expectSame(followers, end);
      expect(Object.keys(values).length).toBeGreaterThan(10);
      for (const { gaps, snapshots } of followers) expect([gaps, snapshots]).toEqual([[], []]);
      // They joined in the middle, not all at the end.
      expect(new Set(followers.map(({ standing }) => standing.offset)).size).toBeGreaterThan(5);
      const late = await join(left, busy);
      await expectSame([late, ...followers], end);
    },
    60_000,
  );

  it('tell of a deletion, wherever it was published', async () => {
    const [left, right] = await Promise.all([node('left'), node('right')]);
    const [here, there] = await Promise.all([join(left), join(right, channel, {}, 'outcry.v1.msgpack')]);
    await here.set('a', '1');
    await there.set('b', '2');
    const { body } = await apiOf(right).publish({ channel, key: 'a', deleted: true });
    await Promise.all([here, there].map((each) => each.reaches(body as Position)));
    expect(here.heard).toEqual(['a=1', 'b=2', 'a=']);
    expect(there.heard).toEqual(here.heard);
    expect((await join(left)).standing).toMatchObject({ snapshot: 1, offset: 3 });
  });

  it('have one bound together', async () => {
    const [left, right] = await Promise.all([node('left'), node('right')]);
    const [here, there] = await Promise.all([join(left, 'three:a'), join(right, 'three:a')]);
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((key, n) => (n % 2 === 0 ? here : there).set(key, key)),
    );
    expect(answers.filter((answer) => answer === 112)).toHaveLength(3);
    const [end] = answers.filter((answer) => typeof answer === 'object').sort((a, b) => b.offset - a.offset);
    expect(Object.keys(await expectSame([here, there], end as Position))).toHaveLength(3);
    const refused = 'outcry_history_publications_not_appended_total{reason="too_many_keys"}';
    expect((await left.metric(refused)) + (await right.metric(refused))).toBe(3);
  });

  it('ask Redis once for all who subscribe', async () => {
    const [left, right] = await Promise.all([node('left'), node('right')]);
    const speaker = await join(left);
    let end = {} as Position;
    for (let n = 0; n < 50; n += 1) end = (await speaker.set(`k${n}`, String(n))) as Position;
    const before = await right.metric('outcry_history_reads_total');
    const herd = await Promise.all(Array.from({ length: 200 }, () => join(right)));
    await expectSame([speaker, ...herd], end);
    // Where the channel stands, and its values once.
    expect((await right.metric('outcry_history_reads_total')) - before).toBeLessThanOrEqual(4);
    expect(await right.metric('outcry_latest_keys')).toBe(50);
    expect(await right.metric('outcry_snapshots_sent_total{reason="subscribed"}')).toBe(200);
  });
});

describe('what was published', () => {
  it('survives the node that took it', async () => {
    const [left, right] = await Promise.all([node('left'), node('right')]);
    const [speaker, witness] = await Promise.all([join(left), join(right)]);
    let published = 0;
    let acknowledged = {} as Position;
    const speaking = (async () => {
      for (; ; published += 1) {
        const answer = await Promise.race([speaker.set(`k${published % 7}`, String(published)), left.exited]);
        if (typeof answer === 'number') return;
        acknowledged = answer;
      }
    })();
    await until(
      () => published,
      (count) => count > 100,
    );
    await left.kill();
    await speaking;
    await witness.reaches(acknowledged);
    const late = await join(right, channel, {}, 'outcry.v1.msgpack');
    await expectSame([witness, late], { epoch: acknowledged.epoch, offset: late.standing.offset });
    expect(late.standing.offset).toBeGreaterThanOrEqual(acknowledged.offset);
    const last = published - 1;
    expect(Number(late.values[`k${last % 7}`])).toBeGreaterThanOrEqual(last);
    const end = (await witness.set('after', 'it')) as Position;
    await expectSame([witness, late], end);
  });

  it('is forgotten with its Redis, and everybody is given what there is', async () => {
    const [left, right] = await Promise.all([node('left'), node('right')]);
    const followers = await Promise.all([join(left), join(right, channel, {}, 'outcry.v1.msgpack')]);
    const [here] = followers;
    const before = (await here.set('a', '1')) as Position;
    await expectSame(followers, before);
    await redis.kill();
    await Promise.all([left.untilReady(503), right.untilReady(503)]);
    await redis.start();
    await Promise.all([left.untilReady(200), right.untilReady(200)]);
    for (const follower of followers) expect(await follower.isReplaced(1)).toEqual([['epoch_changed', 0]]);
    const end = (await here.set('b', '2')) as Position;
    expect(end).toEqual({ epoch: end.epoch, offset: 1 });
    expect(end.epoch).not.toBe(before.epoch);
    expect(await expectSame(followers, end)).toEqual({ b: '2' });
    for (const { gaps } of followers) expect(gaps).toEqual([]);
  });

  it('is forgotten as a whole when its values are lost', async () => {
    const left = await node('left');
    const follower = await join(left);
    const before = (await follower.set('a', '1')) as Position;
    await follower.reaches(before);
    expect(await redis.client().unlink(keyOf('latest'))).toBe(1);
    const end = (await follower.set('b', '2')) as Position;
    expect(end.epoch).not.toBe(before.epoch);
    await follower.reaches(end);
    expect(follower.snapshots.map(([reason]) => reason)).toEqual(['epoch_changed']);
    expect(follower.values).toEqual({ b: '2' });
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
  });

  it.each([
    ['a text', (client: ReturnType<TestRedis['client']>) => client.set(keyOf('latest'), 'x')],
    ['another value', (client: ReturnType<TestRedis['client']>) => client.hset(keyOf('latest'), 'x', 'y')],
  ])('is not what somebody else put there: %s', async (_what, put) => {
    const left = await node('left');
    const before = (await (await join(left, channel)).set('a', '1')) as Position;
    await put(redis.client());
    const silent = await silentNode();
    const snapshot = await silent.history.latest(channel);
    expect(snapshot?.publications).toEqual([]);
    expect(snapshot?.epoch).not.toBe(before.epoch);
  });
});

describe('what does not arrive', () => {
  it('is fetched where it is kept, and the values are as they must be', async () => {
    const [left, silent] = await Promise.all([node('left'), silentNode()]);
    const follower = await join(left, 'both:a');
    await follower.set('a', '1');
    await silent.history.append('both:a', [set('b', '2'), Publication.deletion('a', 0)]);
    const end = (await follower.set('c', '3')) as Position;
    await follower.reaches(end);
    // The silent node keeps one publication only, so some of it may be gone: then a snapshot makes up for it.
    expect(follower.values).toEqual({ b: '2', c: '3' });
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
    const late = await join(left, 'both:a');
    await expectSame([follower, late], end);
  });

  it('is made up for by a snapshot where it is not kept', async () => {
    const [left, silent] = await Promise.all([node('left'), silentNode()]);
    const followers = await Promise.all(codecs.map((codec) => join(left, channel, {}, codec)));
    const [first] = followers as [StateFollower];
    const begun = (await first.set('a', '1')) as Position;
    await expectSame(followers, begun);
    await silent.history.append(channel, [set('b', '2')]);
    await silent.history.append(channel, [Publication.deletion('a', 0), set('c', '3')]);
    await silent.history.append(channel, [set('b', '4')]);
    const end = (await first.set('d', '5')) as Position;
    expect(await expectSame(followers, end)).toEqual({ b: '4', c: '3', d: '5' });
    for (const { gaps, snapshots } of followers) {
      expect(gaps).toEqual([]);
      expect(snapshots).toEqual([['not_kept', expect.any(Number)]]);
    }
    await left.untilMetric('outcry_history_heals_total{result="snapshot"}', 1);
    await left.untilMetric('outcry_snapshots_sent_total{reason="not_kept"}', 1);
  });

  it('is made up for when it was the last', async () => {
    const [left, silent] = await Promise.all([node('left'), silentNode()]);
    const follower = await join(left);
    await follower.set('a', '1');
    for (const value of ['2', '3', '4']) await silent.history.append(channel, [set('a', value)]);
    const { position } = (await silent.history.append(channel, [set('b', '1')])) as { position: Position };
    await follower.reaches(position);
    expect(follower.values).toEqual({ a: '4', b: '1' });
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
  });
});

describe('a Redis that is away', () => {
  it('has no values for who subscribes, who gets them as soon as it is back', async () => {
    const left = await node('left');
    const [known, other] = [await join(left), await node('right')];
    const end = (await known.set('a', '1')) as Position;
    await known.reaches(end);
    redis.freeze();
    for (const each of [left, other]) await each.untilMetric('outcry_bridge_connected', 0);
    // What is at hand is told, and that it may be old.
    const here = await join(left);
    expect(here.standing).toMatchObject({ snapshot: 1, degraded: true });
    const there = await join(other);
    expect(there.standing).toMatchObject({ degraded: true });
    expect(there.standing.snapshot).toBeUndefined();
    redis.thaw();
    await Promise.all([left, other].map((each) => each.untilReady(200)));
    await there.isReplaced(1);
    expect(there.values).toEqual({ a: '1' });
    const more = (await known.set('b', '2')) as Position;
    await expectSame([known, here, there], more);
  });
});
