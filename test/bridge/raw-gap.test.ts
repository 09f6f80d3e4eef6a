/**
 * Raw members of a namespace with `rawGap: close`: who may have missed something is closed to come back, spread over a
 * while; who has missed nothing stays, and so do those of other namespaces.
 */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Publication } from '../../src/channel/publication.ts';
import { FrameWriter } from '../../src/protocol/bridge-frame.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { HistoryNode, shards, unheard } from '../history/history-node.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';

const closedForGap = 'outcry_connections_closed_total{reason="gap"}';
const spreadMs = 600;

let redis: TestRedis;
let node: TestNode;
beforeEach(async () => {
  redis = await TestRedis.start();
});
afterEach(() => redis.kill());

async function start(rawGapSpreadMs: number): Promise<void> {
  node = await startNode([
    ...['--redis', redis.url, '--redis-shards', String(shards)],
    ...['--raw-gap-spread-ms', String(rawGapSpreadMs)],
    '--namespaces',
    '{"strict": {"rawGap": "close"}, "kept": {"rawGap": "close", "historySize": 1000}, "five": {"rawGap": "close", "historySize": 5}}',
  ]);
  onTestFinished(async () => void (await node.stop()));
  await node.untilReady(200);
}

async function member(channel: string): Promise<TestClient> {
  const client = await TestClient.open(`${node.url}/raw/${channel}`);
  onTestFinished(() => client.close());
  return client;
}

/** Sends and hears it: whatever was to be said to this member before has been said. */
async function echoes(client: TestClient, text: string): Promise<void> {
  client.send(text);
  expect(await client.text()).toBe(text);
}

const gap = { code: 4003, reason: '{"reason":"gap"}' };

/** Two frames of another node, and one between them that is lost. */
async function loseFrame(channel: string, to: TestClient): Promise<void> {
  const shard = shardOf(channel, shards);
  const frame = framesFrom('sender', shard, channel);
  await redis.client().publish(`outcry.v1.${shards}.{${shard}}`, frame('one'));
  expect(await to.text()).toBe('one');
  frame('lost');
  await redis.client().publish(`outcry.v1.${shards}.{${shard}}`, frame('three'));
  expect(await to.text()).toBe('three');
}

describe('in a channel without history', () => {
  beforeEach(() => start(spreadMs));

  it('frames of another node that are missing end its members, and nobody else', async () => {
    const [strict, lenient] = await Promise.all([member('strict:a'), member('lenient')]);
    await loseFrame('strict:a', strict);
    expect(await strict.closed).toEqual(gap);
    expect(await node.metric(closedForGap)).toBe(1);
    await echoes(lenient, 'still here');
  });

  it('a bridge that was away ends them when it is back, not before, spread over the window', async () => {
    const strict = await Promise.all(Array.from({ length: 60 }, () => member('strict:a')));
    const lenient = await member('lenient');
    await redis.kill();
    await node.untilReady(503);
    await echoes(strict[0] as TestClient, 'just us');
    const times: number[] = [];
    for (const { closed } of strict) void closed.then(() => times.push(performance.now()));
    await redis.start();
    expect(new Set((await Promise.all(strict.map(({ closed }) => closed))).map(({ code }) => code))).toEqual(
      new Set([gap.code]),
    );
    const took = (times.at(-1) as number) - (times[0] as number);
    // Of 60 random moments in the window all within a third of it: less than one in 10^26.
    expect(took).toBeGreaterThan(spreadMs / 3);
    expect(await node.metric(closedForGap)).toBe(60);
    await echoes(lenient, 'still here');
    await echoes(await member('strict:a'), 'back');
    expect(await node.metric('outcry_connections_open')).toBe(2);
  });
});

describe('in a channel with history', () => {
  beforeEach(() => start(0));

  it('joining, and what can be healed, ends nobody', async () => {
    const silent = await HistoryNode.start({ port: redis.port, between: unheard });
    await silent.append('kept:a', 'before');
    const kept = await member('kept:a');
    await echoes(kept, 'b');
    await silent.append('kept:a', 'c', 'd');
    kept.send('e');
    expect([await kept.text(), await kept.text(), await kept.text()]).toEqual(['c', 'd', 'e']);
    await redis.client().call('CLIENT', 'KILL', 'TYPE', 'PUBSUB');
    await node.untilMetric('outcry_bridge_possible_gaps_total', 1);
    await node.untilReady(200);
    await echoes(kept, 'f');
    // Whoever was to be closed for all this is closed before the member of a later gap.
    const strict = await member('strict:a');
    await loseFrame('strict:a', strict);
    await strict.closed;
    expect(await node.metric(closedForGap)).toBe(1);
    await echoes(kept, 'g');
  });

  it('what is not kept any more ends its members', async () => {
    const silent = await HistoryNode.start({
      ...{ port: redis.port, between: unheard },
      retention: () => ({ size: 5, ttlMs: 60_000 }),
    });
    const five = await member('five:a');
    await echoes(five, 'a');
    await silent.append('five:a', ...'bcdefghi');
    five.send('j');
    for (const text of 'fghij') expect(await five.text()).toBe(text);
    expect(await five.closed).toEqual(gap);
  });

  it('a Redis that forgot everything ends them, those too who came while it was away', async () => {
    const kept = await member('kept:a');
    await echoes(kept, 'a');
    await redis.kill();
    await node.untilReady(503);
    const late = await member('kept:late');
    await redis.start();
    expect(await Promise.all([kept.closed, late.closed])).toEqual([gap, gap]);
  });
});

/** Frames of a node that never was, one after the other. */
function framesFrom(bootId: string, shard: number, channel: string): (text: string) => Buffer {
  const writer = new FrameWriter({ bootId, nodeId: bootId }, shard);
  return (text) => {
    writer.add(channel, Publication.text(text, 0));
    return writer.take(Date.now());
  };
}
