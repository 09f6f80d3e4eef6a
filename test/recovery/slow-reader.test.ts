/**
 * A reader of a channel with history that is too slow: it is cut off at its limit and ends, comes back with its position and
 * gets exactly the rest, in order and once; the others notice nothing.
 */
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { aloneAndOverRedis, startAloneOrOverRedis } from '../support/alone-or-over-redis.ts';
import { Follower, type Position } from '../support/follower.ts';
import type { Subprotocol } from '../support/native-client.ts';
import type { TestNode } from '../support/node.ts';

const channel = 'h:a';
const cutOff = 'outcry_slow_consumers_cut_off_total';
const slowClosed = 'outcry_connections_closed_total{reason="slow_consumer"}';
/** 200 of 2 KB: less than what a sweep allows between two looks. */
const burst = 200;
const padding = 'x'.repeat(2_000);

let node: TestNode;
let published: number;

async function start(withRedis: boolean): Promise<void> {
  published = 0;
  node = await startAloneOrOverRedis(withRedis, [
    '--namespaces',
    '{"h": {"historySize": 10000}}',
    '--history-max-bytes',
    '100000000',
  ]);
}

async function join(subprotocol: Subprotocol, since?: Position): Promise<Follower> {
  const follower = await Follower.join(node.url, channel, since ? { since } : {}, subprotocol);
  onTestFinished(() => follower.close());
  return follower;
}

async function publish(by: Follower, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => published + i);
  published += count;
  await Promise.all(numbers.map((number) => by.publish(`${number} ${padding}`)));
  await by.hears(published);
}

const numbersOf = (follower: Follower) => follower.texts.map((text) => Number(text.split(' ')[0]));
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe.each(aloneAndOverRedis)('%s', (_where, withRedis) => {
  beforeEach(() => start(withRedis));

  it.each(['outcry.v1.json', 'outcry.v1.msgpack'] as const)(
    'one that stands still is terminated and gets the rest when it is back, in %s',
    async (subprotocol) => {
      const [slow, other] = [await join(subprotocol), await join('outcry.v1.msgpack')];
      await publish(other, 1);
      await slow.hears(1);
      slow.stopReading();
      while ((await node.metric(cutOff)) === 0) await publish(other, burst);
      await node.untilMetric(slowClosed, 1);
      slow.read();
      expect((await slow.closed).code).toBe(1006);
      const had = numbersOf(slow);
      // All that the kernel held, and nothing behind a hole.
      expect(had).toEqual(upTo(0, had.length));
      expect(had.length).toBeLessThan(published);

      const back = await join(subprotocol, slow.position as Position);
      expect(back.standing).toMatchObject({ recovered: true, reason: null });
      await publish(other, burst);
      await back.hears(published - had.length);
      expect(numbersOf(back)).toEqual(upTo(had.length, published));
      expect([slow.faults, back.faults, other.faults, other.gaps]).toEqual([[], [], [], []]);
      expect(numbersOf(other)).toEqual(upTo(0, published));
    },
  );

  it('one that reads on when it is cut off gets all up to there, a code, and the rest when it is back', async () => {
    const [slow, other] = [await join('outcry.v1.json'), await join('outcry.v1.msgpack')];
    slow.stopReading();
    while ((await node.metric(cutOff)) === 0) await publish(other, burst);
    slow.read();
    expect(await slow.closed).toEqual({ code: 4001, reason: '{"reason":"slow_consumer"}' });
    await publish(other, 10);
    const had = numbersOf(slow);
    expect(had).toEqual(upTo(0, had.length));
    const back = await join('outcry.v1.json', slow.position as Position);
    await back.hears(published - had.length);
    expect(numbersOf(back)).toEqual(upTo(had.length, published));
    expect([slow.faults, back.faults, back.standing.recovered]).toEqual([[], [], true]);
    expect(await node.metric(slowClosed)).toBe(1);
  });
});
