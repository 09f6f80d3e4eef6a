/**
 * Redis comes late, dies, freezes, forgets, is demoted: clients stay, local delivery goes on, the node says so and comes
 * back by itself.
 */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
beforeEach(async () => {
  redis = await TestRedis.planned();
});
afterEach(() => redis.kill());

async function node(nodeId: string, ...flags: string[]): Promise<TestNode> {
  const started = await startNode(['--redis', redis.url, '--node-id', nodeId, ...flags]);
  onTestFinished(async () => void (await started.stop()));
  return started;
}

const ready = (nodes: TestNode[], status: number, withinMs = 10_000) =>
  Promise.all(
    nodes.map((each) =>
      until(
        () => each.ready(),
        (seen) => seen === status,
        { withinMs, what: `ready ${status}` },
      ),
    ),
  );

async function chat(from: TestClient, to: TestClient, text: string): Promise<void> {
  from.send(text);
  expect(await from.text()).toBe(text);
  expect(await to.text()).toBe(text);
}

async function clientsOf(nodes: TestNode[]): Promise<TestClient[]> {
  return await Promise.all(nodes.map((each) => TestClient.open(each.url)));
}

it('lets a node start without it: alive, not ready, local chat works; found later without a restart', async () => {
  const nodes = await Promise.all([node('left'), node('right')]);
  const [left] = nodes;
  expect(await left.ready()).toBe(503);
  expect((await fetch(`http://127.0.0.1:${left.port}/health/live`)).status).toBe(200);
  const [one, two] = await Promise.all([TestClient.open(`${left.url}?hello=1`), TestClient.open(left.url)]);
  expect(JSON.parse(await one.text())).toEqual({ node: 'left', degraded: true });
  await chat(one, two, 'just us');

  await redis.start();
  await ready(nodes, 200);
  const far = await TestClient.open(nodes[1].url);
  await chat(one, far, 'everybody');
  expect(await two.text()).toBe('everybody');
  expect(await left.metric('outcry_bridge_possible_gaps_total')).toBe(0);
  await Promise.all([one, two, far].map((client) => client.close()));
});

describe('while it is away', () => {
  it('keeps clients connected through kill -9, restores every subscription, and counts a possible gap', async () => {
    await redis.start();
    const nodes = await Promise.all([node('left'), node('right')]);
    await ready(nodes, 200);
    const rooms = Array.from({ length: 100 }, (_, i) => `/raw/room-${i}`);
    const listeners = await Promise.all(rooms.map((path) => TestClient.open(nodes[1].url + path)));
    const speakers = await Promise.all(rooms.map((path) => TestClient.open(nodes[0].url + path)));

    await redis.kill();
    await ready(nodes, 503);
    speakers[0]?.send('local only');
    expect(await speakers[0]?.text()).toBe('local only');
    await until(
      () => nodes[0].metric('outcry_bridge_publications_dropped_total{reason="away"}'),
      (dropped) => dropped === 1,
    );

    await redis.start(); // Empty: it remembers nothing.
    await ready(nodes, 200, 2_000);
    for (const [i, speaker] of speakers.entries()) {
      speaker.send(`back ${i}`);
      expect(await listeners[i]?.text()).toBe(`back ${i}`);
    }
    for (const each of nodes) {
      expect(await each.metric('outcry_bridge_possible_gaps_total')).toBe(1);
      await each.untilLog(/may have been missed/);
    }
    // The frame that was dropped consumed its number: the receiver knows that one is missing... or began to count anew.
    expect(await nodes[0].metric('outcry_connections_open')).toBe(100);
    await Promise.all([...speakers, ...listeners].map((client) => client.close()));
  });

  it('finds a frozen one within five seconds, and comes back when it thaws', async () => {
    await redis.start();
    const nodes = await Promise.all([node('left'), node('right')]);
    await ready(nodes, 200);
    const [here, there] = (await clientsOf(nodes)) as [TestClient, TestClient];
    redis.freeze();
    const frozenAt = performance.now();
    await ready(nodes, 503);
    expect(performance.now() - frozenAt).toBeLessThan(5_000);
    here.send('local');
    expect(await here.text()).toBe('local');
    redis.thaw();
    await ready(nodes, 200);
    await until(
      async () => {
        here.send('anybody?');
        await here.text();
        return nodes[1].metric('outcry_bridge_publications_received_total');
      },
      (received) => received > 0,
    );
    expect(await there.text()).toMatch(/local|anybody/);
    await Promise.all([here.close(), there.close()]);
  });

  it('stays within its bounds: memory, bytes in flight, one line of log a second', async () => {
    await redis.start();
    const [tested] = [await node('left', '--redis-max-bytes-in-flight', '1000000')];
    await ready([tested], 200);
    const speaker = await TestClient.open(tested.url);
    const payload = 'x'.repeat(10_000);
    const flood = async (messages: number) => {
      for (let i = 0; i < messages; i += 1) {
        speaker.send(payload);
        if (i % 20 === 19) for (let j = 0; j < 20; j += 1) await speaker.text();
      }
    };
    await flood(2_000);
    const before = await tested.residentBytes();
    const linesBefore = tested.logs.length;
    redis.freeze();
    const frozenAt = performance.now();
    await flood(10_000); // 100 MB
    await ready([tested], 503);
    await flood(5_000);
    expect(await tested.residentBytes()).toBeLessThan(before + 60_000_000);
    const seconds = (performance.now() - frozenAt) / 1_000;
    // News (away, back) is always written, trouble at most once a second.
    expect(tested.logs.length - linesBefore).toBeLessThanOrEqual(seconds + 4);
    redis.thaw();
    await ready([tested], 200);
    await speaker.close();
  });

  it('treats being cut off for not reading as a loss, and subscribes again', async () => {
    await redis.start();
    const nodes = await Promise.all([node('left'), node('right')]);
    await ready(nodes, 200);
    const [here, there] = (await clientsOf(nodes)) as [TestClient, TestClient];
    const admin = redis.client();
    const list = (await admin.call('CLIENT', 'LIST', 'TYPE', 'PUBSUB')) as string;
    expect(list.trim().split('\n')).toHaveLength(2);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'PUBSUB');
    await Promise.all(
      nodes.map((each) =>
        until(
          () => each.metric('outcry_bridge_possible_gaps_total'),
          (gaps) => gaps === 1,
        ),
      ),
    );
    await ready(nodes, 200);
    await chat(here, there, 'heard again');
    await Promise.all([here.close(), there.close()]);
  });

  it('does not stay with a master that was demoted', async () => {
    await redis.start();
    const other = await TestRedis.start();
    onTestFinished(() => other.kill());
    const tested = await node('left');
    await ready([tested], 200);
    await redis.client().call('REPLICAOF', '127.0.0.1', String(other.port));
    await ready([tested], 503, 10_000);
    await tested.untilLog(/is a slave now/);
    await redis.client().call('REPLICAOF', 'NO', 'ONE');
    await ready([tested], 200);
  });
});

it('does not lose a publication that was made just before SIGTERM', async () => {
  await redis.start();
  const nodes = await Promise.all([node('left'), node('right')]);
  await ready(nodes, 200);
  const [here, there] = (await clientsOf(nodes)) as [TestClient, TestClient];
  for (let i = 0; i < 100; i += 1) here.send(`${i}`);
  for (let i = 0; i < 100; i += 1) expect(await here.text()).toBe(`${i}`);
  nodes[0].signal('SIGTERM');
  for (let i = 0; i < 100; i += 1) expect(await there.text()).toBe(`${i}`);
  expect((await here.closed).code).toBe(1001);
  await there.close();
});
