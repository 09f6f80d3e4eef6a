/**
 * Channels with history on nodes that are joined by a Redis: one order everywhere, and exactly what was missed wherever
 * somebody comes back.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Follower, type Position, positionIn, type Wish } from '../support/follower.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const namespaces = '{"h": {"historySize": 10000}, "five": {"historySize": 5}}';

let redis: TestRedis;
let left: TestNode;
let right: TestNode;
beforeAll(async () => {
  redis = await TestRedis.start();
  [left, right] = await Promise.all([node('left'), node('right')]);
});
afterAll(async () => {
  await Promise.all([left.stop(), right.stop()]);
  await redis.kill();
});

async function node(nodeId: string): Promise<TestNode> {
  const started = await startNode(['--redis', redis.url, '--node-id', nodeId, '--namespaces', namespaces]);
  await until(
    () => started.ready(),
    (status) => status === 200,
    { what: 'the node being ready' },
  );
  return started;
}

async function join(at: TestNode, channel: string, wish?: Wish): Promise<Follower> {
  const follower = await Follower.join(at.url, channel, wish);
  onTestFinished(() => follower.close());
  return follower;
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
const publishAll = async (follower: Follower, texts: readonly string[]) =>
  (await Promise.all(texts.map((text) => follower.publish(text)))).map(positionIn);
const positionOf = ({ position }: Follower) => position as Position;

describe('two publishers on two nodes', () => {
  it('are heard in one order everywhere, also by themselves', async () => {
    const followers = await Promise.all([join(left, 'h:order'), join(right, 'h:order')]);
    await Promise.all(
      followers.map((follower, n) =>
        publishAll(
          follower,
          numbers(1, 1_000).map((text) => `${n}-${text}`),
        ),
      ),
    );
    const [here, there] = await Promise.all(followers.map((follower) => follower.hears(2_000)));
    expect(here).toEqual(there);
    for (const n of [0, 1])
      expect(here?.filter((text) => text.startsWith(`${n}-`))).toEqual(
        numbers(1, 1_000).map((text) => `${n}-${text}`),
      );
    for (const { faults, gaps, position } of followers)
      expect({ faults, gaps, offset: position?.offset }).toEqual({ faults: [], gaps: [], offset: 2_000 });
  });
});

describe('who comes back at another node', () => {
  it('gets exactly what it missed after its own was killed, while others go on', async () => {
    const victim = await node('victim');
    const speaker = await join(left, 'h:killed');
    const follower = await Follower.join(victim.url, 'h:killed');
    let published = 0;
    let stopped = false;
    const speaking = (async () => {
      for (; !stopped; published += 1) positionIn(await speaker.publish(String(published + 1)));
    })();
    await follower.hears(50);
    await victim.kill();
    await until(
      () => published,
      (count) => count > follower.texts.length + 100,
    );
    const back = await join(right, 'h:killed', { since: positionOf(follower) });
    expect(back.standing).toMatchObject({ recovered: true });
    stopped = true;
    await speaking;
    expect([follower.texts.length, follower.faults]).toEqual([positionOf(follower).offset, []]);
    const missed = await back.hears(published - follower.texts.length);
    expect([...follower.texts, ...missed]).toEqual(numbers(1, published));
    expect(back.faults).toEqual([]);
    // One more, live, and nothing besides.
    await speaker.publish('last');
    expect((await back.hears(missed.length + 1)).at(-1)).toBe('last');
  });

  it('gets the last ones that others published, and is told why it does not get more', async () => {
    const speaker = await join(left, 'five:a');
    const start = positionOf(speaker);
    await publishAll(speaker, numbers(1, 12));
    const late = await join(right, 'five:a', { last: 100 });
    expect(await late.hears(5)).toEqual(numbers(8, 12));
    for (const [offset, reason] of [
      [2, 'not_kept'],
      [13, 'ahead'],
    ] as const)
      expect((await join(right, 'five:a', { since: { ...start, offset } })).standing).toEqual({
        ...{ degraded: false, position: { ...start, offset: 12 }, recovered: false, reason },
      });
    expect((await join(right, 'five:a', { since: { epoch: 'e', offset: 1 } })).standing).toMatchObject({
      ...{ recovered: false, reason: 'epoch_changed' },
    });
  });

  it('shares a few reads of the history with all who come back at once', async () => {
    const speaker = await join(left, 'h:herd');
    const start = positionOf(speaker);
    await publishAll(speaker, numbers(1, 500));
    const before = await right.metric('outcry_history_reads_total');
    const herd = await Promise.all(
      Array.from({ length: 100 }, () => join(right, 'h:herd', { since: { ...start, offset: 100 } })),
    );
    for (const follower of herd) {
      expect(follower.standing).toMatchObject({ recovered: true });
      expect(await follower.hears(400)).toEqual(numbers(101, 500));
      expect(follower.faults).toEqual([]);
    }
    expect((await right.metric('outcry_history_reads_total')) - before).toBeLessThan(20);
  });
});

describe('a publication', () => {
  it('that was acknowledged is in the history, for all nodes', async () => {
    const speaker = await join(left, 'h:kept');
    const position = positionIn(await speaker.publish('kept'));
    const late = await join(right, 'h:kept', { since: { ...position, offset: position.offset - 1 } });
    expect(await late.hears(1)).toEqual(['kept']);
  });

  it('with a key is published once, whichever nodes try', async () => {
    const [here, there] = await Promise.all([join(left, 'h:key'), join(right, 'h:key')]);
    const tries = await Promise.all([here, there, here, there].map((from) => from.publish('once', 'key')));
    expect(new Set(tries.map((each) => positionIn(each).offset))).toEqual(new Set([1]));
    expect(tries.filter((each) => typeof each === 'object' && each.duplicate)).toHaveLength(3);
    await here.publish('more');
    expect(await there.hears(2)).toEqual(['once', 'more']);
  });
});
