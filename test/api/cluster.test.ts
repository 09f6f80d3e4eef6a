/**
 * The API of a cluster: what one node is asked, all nodes answer; what one node is told to publish, all clients hear.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { writeControl } from '../../src/protocol/control.ts';
import { api, post } from '../support/api.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
let left: TestNode;
let right: TestNode;
beforeAll(async () => {
  redis = await TestRedis.start();
  [left, right] = await Promise.all([start('left'), start('right')]);
  await knowEachOther(left, right);
});
afterAll(async () => {
  await Promise.all([left?.stop(), right?.stop()]);
  await redis?.kill();
});

async function start(nodeId: string, ...flags: string[]): Promise<TestNode> {
  return await startNode(['--redis', redis.url, '--node-id', nodeId, ...flags]);
}

async function knowEachOther(...nodes: TestNode[]): Promise<void> {
  for (const node of nodes)
    await until(
      async () => (await api(node, 'nodes')).body.nodes.length,
      (count) => count === nodes.length,
      { what: 'a cluster' },
    );
}

async function listen(node: TestNode, channel: string): Promise<TestClient> {
  const client = await TestClient.open(`${node.url}/raw/${encodeURIComponent(channel)}`);
  onTestFinished(() => client.close());
  return client;
}

describe('publishing', () => {
  it('reaches the clients of all nodes, confirmed by Redis', async () => {
    const clients = await Promise.all([listen(left, 'a'), listen(right, 'a')]);
    const publications = Array.from({ length: 100 }, (_, i) => ({ channel: 'a', json: i }));
    expect(await post(left, 'publish', { publications })).toMatchObject({
      status: 200,
      body: { published: 100 },
    });
    for (const client of clients) {
      const heard = [];
      for (let i = 0; i < 100; i += 1) heard.push(Number(await client.text()));
      expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i));
    }
  });
});

describe('counting', () => {
  it('knows how many are connected, here and everywhere', async () => {
    await Promise.all([listen(left, 'c'), listen(right, 'c'), listen(right, 'd')]);
    const { body } = await until(
      () => api(left, 'counts'),
      (reply) => reply.body.cluster.subscriptions >= 3,
    );
    expect(body).toEqual({
      node: { connections: 1, channels: 1, subscriptions: 1 },
      cluster: { nodes: 2, connections: 3, subscriptions: 3, complete: true },
    });
  });

  it('knows who listens to one channel', async () => {
    await Promise.all([listen(left, 'prices:EUR/USD'), listen(right, 'prices:EUR/USD')]);
    const expected = {
      channel: 'prices:EUR/USD',
      subscribers: { node: 1, cluster: 2 },
      complete: true,
    };
    expect((await api(left, 'counts?channel=prices:EUR/USD')).body).toEqual(expected);
    expect((await api(right, 'channels/prices%3AEUR%2FUSD')).body).toEqual(expected);
    expect((await api(right, 'channels/nobody')).body).toMatchObject({
      subscribers: { node: 0, cluster: 0 },
    });
  });

  it('lists channels by prefix, page by page, each once', async () => {
    const channels = ['list:a', 'list:b', 'list:c', 'list:__proto__'];
    await Promise.all([
      ...channels.map((name) => listen(left, name)),
      ...channels.slice(1).map((name) => listen(right, name)),
    ]);
    const seen: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await api(right, `channels?prefix=list:&limit=3&cursor=${encodeURIComponent(cursor)}`);
      expect(body.complete).toBe(true);
      seen.push(...body.channels);
      cursor = body.cursor;
    }
    expect(seen).toEqual([
      { channel: 'list:__proto__', subscribers: 2 },
      { channel: 'list:a', subscribers: 1 },
      { channel: 'list:b', subscribers: 2 },
      { channel: 'list:c', subscribers: 2 },
    ]);
    const here = await api(right, 'channels?prefix=list:&scope=node');
    expect(here.body.channels).toHaveLength(3);
  });

  it('names the nodes', async () => {
    const { body } = await api(left, 'nodes');
    expect(body.nodes.map(({ node }: { node: string }) => node)).toEqual(['left', 'right']);
    expect(body.nodes[1]).toEqual({
      node: 'right',
      boot: expect.stringMatching(/^[0-9a-f]{16}$/),
      state: 'ready',
      counts: {
        connections: expect.any(Number),
        channels: expect.any(Number),
        subscriptions: expect.any(Number),
      },
      lastBeatAgeMs: expect.any(Number),
    });
    expect(body.nodes[1].lastBeatAgeMs).toBeLessThan(2_500);
  });

  it('says when somebody does not answer', async () => {
    const third = await start('third');
    onTestFinished(async () => void (await third.kill()));
    await knowEachOther(left, right, third);
    third.freeze();
    const { body } = await api(left, 'channels/anything');
    expect(body).toMatchObject({ complete: false });
    expect((await api(left, 'channels?scope=node')).body.complete).toBe(true);
    await third.kill();
    await knowEachOther(left, right);
  }, 40_000);
});

describe('ending a connection', () => {
  async function connectionsOf(node: TestNode): Promise<string> {
    const { body } = await api(node, 'nodes');
    return body.nodes[0].boot;
  }

  it.each([
    [true, 4002],
    [false, 4502],
  ])('reaches it on any node; to come back: %s', async (comeBack, code) => {
    const client = await TestClient.open(`${right.url}/raw/end`);
    // Connections are numbered from 1: the newest has the largest serial that is there.
    const boot = await connectionsOf(right);
    let serial = await right.metric('outcry_connections_opened_total');
    expect((await post(left, 'disconnect', { connection: `${boot}-${serial}`, comeBack })).body).toEqual({
      disconnected: true,
    });
    expect(await client.closed).toMatchObject({ code, reason: expect.stringContaining('disconnected') });
    serial += 1;
    expect((await post(left, 'disconnect', { connection: `${boot}-${serial}`, comeBack })).status).toBe(404);
  });

  it('finds it on the node that is asked', async () => {
    const client = await TestClient.open(`${left.url}/raw/end`);
    const connection = `${await connectionsOf(left)}-${await left.metric('outcry_connections_opened_total')}`;
    expect((await post(left, 'disconnect', { connection })).status).toBe(200);
    expect((await client.closed).code).toBe(4502);
    expect((await post(left, 'disconnect', { connection })).status).toBe(404);
  });
});

describe('what stands in the control channel', () => {
  it('is not believed: garbage is counted, answers that nobody asked for are ignored', async () => {
    const client = redis.client();
    const rejected = 'outcry_bridge_frames_rejected_total{reason="malformed"}';
    const before = await left.metric(rejected);
    await client.publish('outcry.v1.beat', Buffer.from([0x97, 0, 1, 1]));
    await left.untilMetric(rejected, before + 1);
    const answer = { value: 1_000_000, channels: [] };
    for (let request = 0; request < 100; request += 1)
      await client.publish(
        'outcry.v1.beat',
        writeControl({ type: 'answer', from: 'stranger', request, to: 'x', answer }),
      );
    expect((await api(left, 'channels/nobody')).body.subscribers.cluster).toBe(0);
  });
});
