/**
 * Channels with history while Redis fails, forgets, or hands out what it should not: subscribers notice nothing, or are told.
 */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Publication } from '../../src/channel/publication.ts';
import { SequencedWriter } from '../../src/protocol/sequenced-frame.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { HistoryNode, shards, unheard } from '../history/history-node.ts';
import { Follower, type Position, positionIn, type Wish } from '../support/follower.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { apiOf } from '../support/sequenced-api.ts';
import { until } from '../support/until.ts';

const channel = 'h:a';
const pubsub = `outcry.v1.${shards}.{${shardOf(channel, shards)}}.history`;

let redis: TestRedis;
beforeEach(async () => {
  redis = await TestRedis.start();
});
afterEach(() => redis.kill());

async function node(...flags: string[]): Promise<TestNode> {
  const started = await startNode([
    ...['--redis', redis.url, '--redis-shards', String(shards), '--node-id', 'left'],
    ...['--namespaces', '{"h": {"historySize": 1000}, "five": {"historySize": 5}}', ...flags],
  ]);
  onTestFinished(async () => void (await started.stop()));
  await started.untilReady(200);
  return started;
}

async function join(at: TestNode, wish?: Wish, to = channel): Promise<Follower> {
  const follower = await Follower.join(at.url, to, wish);
  onTestFinished(() => follower.close());
  return follower;
}

const positionOf = ({ position }: Follower) => position as Position;

const publish = async (follower: Follower, ...texts: string[]) =>
  (await Promise.all(texts.map((text) => follower.publish(text)))).map(positionIn);

describe('a frame that does not arrive', () => {
  it('is fetched when the next one comes, before it, and nobody notices', async () => {
    const [left, silent] = await Promise.all([
      node(),
      HistoryNode.start({ port: redis.port, between: unheard }),
    ]);
    const follower = await join(left);
    await publish(follower, 'a');
    await silent.append(channel, 'b', 'c');
    await publish(follower, 'd', 'e');
    expect(await follower.hears(5)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
    await left.untilMetric('outcry_history_heals_total{result="healed"}', 1);
  });

  it('is fetched when it was the last one', async () => {
    const [left, silent] = await Promise.all([
      node(),
      HistoryNode.start({ port: redis.port, between: unheard }),
    ]);
    const follower = await join(left);
    await publish(follower, 'a');
    await silent.append(channel, 'b');
    expect(await follower.hears(2)).toEqual(['a', 'b']);
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
  });

  it('becomes a gap when it is not kept any more, and what is kept follows', async () => {
    const [left, silent] = await Promise.all([
      node(),
      HistoryNode.start({
        port: redis.port,
        between: unheard,
        retention: () => ({ size: 5, ttlMs: 60_000 }),
      }),
    ]);
    const follower = await join(left, {}, 'five:a');
    await publish(follower, 'a');
    await silent.append('five:a', ...'bcdefghi');
    await publish(follower, 'j');
    expect(await follower.isTold(1)).toEqual(['not_kept']);
    expect(await follower.hears(6)).toEqual(['a', 'f', 'g', 'h', 'i', 'j']);
    expect(follower.faults).toEqual([]);
  });
});

describe('a frame that nobody of ours sent', () => {
  const writer = new SequencedWriter();
  /** A frame of one publication at a position. */
  function frame({ epoch, offset }: Position, text: string): Buffer {
    const positions = Buffer.from(` ${epoch} ${offset} 0`);
    const length = Buffer.alloc(5, 0xdb);
    length.writeUInt32BE(positions.length, 1);
    const { pieces } = writer.entries([{ channel, publications: [Publication.text(text, 0)] }]);
    return Buffer.concat([writer.frameStart(shardOf(channel, shards)), length, positions, ...pieces]);
  }

  it.each<[string, (position: Position) => Buffer]>([
    ['garbage', () => Buffer.from('garbage')],
    ['of another epoch', () => frame({ epoch: 'another', offset: 1 }, 'phantom')],
    ['far ahead', ({ epoch }) => frame({ epoch, offset: 1_000 }, 'phantom')],
    ['long ago', ({ epoch }) => frame({ epoch, offset: 1 }, 'phantom')],
    ['damaged', (position) => frame({ ...position, offset: position.offset + 1 }, 'phantom').subarray(0, -1)],
  ])('%s, changes nothing', async (_what, bytes) => {
    const left = await node();
    const follower = await join(left);
    await publish(follower, 'a', 'b');
    await follower.hears(2);
    const before = await left.metric('outcry_history_frames_received_total');
    await redis.client().publish(pubsub, bytes(positionOf(follower)));
    await until(
      () => left.metric('outcry_history_frames_received_total'),
      (frames) => frames > before,
    );
    await publish(follower, 'c');
    expect(await follower.hears(3)).toEqual(['a', 'b', 'c']);
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
    expect(await (await join(left, { last: 10 })).hears(3)).toEqual(['a', 'b', 'c']);
  });
});

describe('connections to Redis that are cut', () => {
  it.each(['outcry-sub', 'outcry-his', 'outcry-pub'])('%s: nothing is missed', async (name) => {
    const left = await node();
    const other = await HistoryNode.start({ port: redis.port });
    const follower = await join(left);
    const client = redis.client();
    const said: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const id = await until(
        async () =>
          new RegExp(`^id=(\\d+) .* name=${name}:`, 'm').exec(String(await client.client('LIST')))?.[1],
        (found) => found !== undefined,
        { what: `a connection ${name}` },
      );
      await client.client('KILL', 'ID', id as string);
      for (let i = 0; i < 20; i += 1) {
        said.push(`${round}-${i}`);
        await other.append(channel, `${round}-${i}`);
      }
      await left.untilReady(200);
    }
    await follower.hears(said.length);
    expect(follower.texts).toEqual(said);
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
  });
});

describe('a Redis', () => {
  it('that comes back empty begins another epoch, and everybody is told', async () => {
    const left = await node();
    const follower = await join(left);
    await publish(follower, 'a', 'b');
    await follower.hears(2);
    const before = positionOf(follower);
    await redis.kill();
    await left.untilReady(503);
    await redis.start();
    await left.untilReady(200);
    expect(await follower.isTold(1)).toEqual(['epoch_changed']);
    expect(positionOf(follower).epoch).not.toBe(before.epoch);
    await publish(follower, 'c');
    expect(await follower.hears(3)).toEqual(['a', 'b', 'c']);
    expect(follower.faults).toEqual([]);
    expect((await join(left, { since: before })).standing).toMatchObject({
      ...{ recovered: false, reason: 'epoch_changed' },
    });
  });

  it('that comes back empty loses nothing that is published then, whoever hears it first', async () => {
    const [left, other] = await Promise.all([node(), HistoryNode.start({ port: redis.port })]);
    const follower = await join(left);
    await publish(follower, 'a');
    await follower.hears(1);
    await redis.kill();
    await left.untilReady(503);
    left.freeze();
    try {
      await redis.start();
      await other.ready();
      await other.append(channel, 'b', 'c');
      await other.append(channel, 'd');
    } finally {
      left.thaw();
    }
    await left.untilReady(200);
    await publish(follower, 'e');
    expect(await follower.hears(5)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([follower.faults, follower.gaps]).toEqual([[], ['epoch_changed']]);
  });

  it('that is away takes no publication, and is asked in vain', async () => {
    const left = await node();
    const follower = await join(left);
    await publish(follower, 'a');
    await follower.hears(1);
    const position = positionOf(follower);
    await redis.kill();
    await left.untilReady(503);
    expect(await follower.publish('b')).toBe(200);
    expect((await apiOf(left).publish({ channel, text: 'b' })).status).toBe(503);
    // What the node knows is still true.
    expect(await follower.subscribe({ since: position })).toEqual({
      ...{ degraded: true, position, recovered: true, reason: null },
    });
    expect((await join(left, { since: position }, 'h:other')).standing).toEqual({
      ...{ degraded: true, position: null, recovered: false, reason: 'unavailable' },
    });
  });

  it('that is too slow for a recovery makes it wait, and loses it nothing', async () => {
    const left = await node('--recovery-timeout-ms', '100', '--tail-max-bytes', '4096');
    const [publisher, follower] = await Promise.all([join(left), join(left)]);
    const published = await publish(publisher, ...Array.from({ length: 20 }, () => 'x'.repeat(60_000)));
    await Promise.all([publisher.hears(20), follower.hears(20)]);
    const since = published[0] as Position;
    redis.freeze();
    try {
      const answered = follower.subscribe({ since });
      await left.untilMetric('outcry_history_recoveries_open', 1);
      await new Promise((resolve) => setTimeout(resolve, 100)); // What it may take.
      redis.thaw();
      expect(await answered).toMatchObject({ recovered: false, reason: 'unavailable' });
    } finally {
      redis.thaw();
    }
    await until(
      () => follower.subscribe({ since }),
      ({ recovered }) => recovered === true,
    );
    await follower.hears(20 + 19);
    expect([follower.faults, follower.gaps]).toEqual([[], []]);
  });

  it('that comes late gives those who wait a position', async () => {
    const left = await node();
    await redis.kill();
    await left.untilReady(503);
    const follower = await join(left);
    expect(follower.standing).toMatchObject({ degraded: true, position: null });
    await redis.start();
    await left.untilReady(200);
    expect(await follower.isTold(1)).toEqual(['epoch_changed']);
    await publish(follower, 'a');
    expect(await follower.hears(1)).toEqual(['a']);
    expect(follower.faults).toEqual([]);
  });
});
