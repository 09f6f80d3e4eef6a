/**
 * Nodes joined by a real Redis: every client hears every other, exactly once, in the order of each sender.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
let left: TestNode;
let right: TestNode;
beforeAll(async () => {
  redis = await TestRedis.start();
  [left, right] = await Promise.all([cluster('left'), cluster('right')]);
});
afterAll(async () => {
  await Promise.all([left, right].map((node) => node?.stop()));
  await redis?.kill();
});

/** A node of the cluster, ready. */
async function cluster(nodeId: string, ...flags: string[]): Promise<TestNode> {
  const node = await startNode(['--redis', redis.url, '--node-id', nodeId, ...flags]);
  await untilReady(node);
  return node;
}

async function untilReady(node: TestNode): Promise<void> {
  await until(
    () => node.ready(),
    (status) => status === 200,
    { what: 'readiness' },
  );
}

async function temporary(...flags: string[]): Promise<TestNode> {
  const node = await startNode(flags);
  onTestFinished(async () => void (await node.stop()));
  return node;
}

const room = (node: TestNode, name: string) => `${node.url}/raw/${encodeURIComponent(name)}`;

async function pair(name: string): Promise<[TestClient, TestClient]> {
  const clients = await Promise.all([TestClient.open(room(left, name)), TestClient.open(room(right, name))]);
  onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
  return clients;
}

describe('a publication', () => {
  it.each<[string, string | Uint8Array]>([
    ['text', "Hello! I'm client"],
    ['empty text', ''],
    ['text beyond the basic plane, with a byte order mark', '\uFEFF👩‍🚀 مرحبا\u0000'],
    ['empty binary', new Uint8Array(0)],
    ['every byte', Uint8Array.from({ length: 256 }, (_, i) => i)],
    ['64 KiB of text', 'é'.repeat(32_768)],
    ['64 KiB of binary', Buffer.alloc(65_536, 7)],
  ])('reaches the other node verbatim: %s', async (_name, payload) => {
    const [here, there] = await pair('verbatim');
    here.send(payload);
    for (const client of [here, there]) {
      const got = await client.next();
      expect(got.text).toBe(typeof payload === 'string');
      expect(got.data.equals(Buffer.from(payload as Uint8Array))).toBe(true);
    }
  });

  it('reaches everybody exactly once, the own clients of its node too', async () => {
    const [here, there] = await pair('once');
    here.send('first');
    there.send('second');
    const heard = async (client: TestClient) => [await client.text(), await client.text()].sort();
    expect(await heard(here)).toEqual(['first', 'second']);
    expect(await heard(there)).toEqual(['first', 'second']);
    // Anything that came twice would be here before this one.
    here.send('third');
    expect([await here.text(), await there.text()]).toEqual(['third', 'third']);
  });

  it('keeps its order among those of its sender, on all nodes', async () => {
    const count = 5_000;
    const [here, there] = await pair('order');
    for (let i = 0; i < count; i += 1) {
      here.send(`here ${i}`);
      there.send(Buffer.from(`there ${i}`));
    }
    for (const client of [here, there]) {
      const next = { here: 0, there: 0 };
      for (let i = 0; i < 2 * count; i += 1) {
        const [side, number] = (await client.next()).data.toString().split(' ') as ['here' | 'there', string];
        expect(Number(number)).toBe(next[side]);
        next[side] += 1;
      }
    }
    expect(await left.metric('outcry_bridge_gaps_total')).toBe(0);
    expect(await right.metric('outcry_bridge_gaps_total')).toBe(0);
  });

  it('travels in frames of many when there are many', async () => {
    const [here, there] = await pair('batches');
    const frames = await left.metric('outcry_bridge_frames_sent_total');
    const sent = await left.metric('outcry_bridge_publications_sent_total');
    for (let i = 0; i < 5_000; i += 1) here.send(`${i}`);
    for (let i = 0; i < 5_000; i += 1) expect(await there.text()).toBe(`${i}`);
    const publications = (await left.metric('outcry_bridge_publications_sent_total')) - sent;
    expect(publications).toBe(5_000);
    expect(publications / ((await left.metric('outcry_bridge_frames_sent_total')) - frames)).toBeGreaterThan(
      10,
    );
  });

  it('does not travel to a node without a listener in its shard', async () => {
    const taken = new Set(['verbatim', 'once', 'order', 'batches'].map((name) => shardOf(name, 64)));
    const name = ['a', 'b', 'c', 'd', 'e'].find((candidate) => !taken.has(shardOf(candidate, 64))) as string;
    const lonely = await TestClient.open(room(left, name));
    const before = await right.metric('outcry_bridge_frames_received_total');
    for (let i = 0; i < 100; i += 1) {
      lonely.send('x');
      await lonely.text();
    }
    // What the other node hears next is behind all of it.
    const [here, there] = await pair('once');
    here.send('now');
    expect(await there.text()).toBe('now');
    expect(await right.metric('outcry_bridge_frames_received_total')).toBe(before + 1);
    await lonely.close();
  });

  it('reaches a subscriber that was answered a moment ago', async () => {
    for (let i = 0; i < 40; i += 1) {
      const name = `new ${i}`;
      const there = await TestClient.open(room(right, name));
      const here = await TestClient.open(room(left, name));
      here.send(name);
      expect(await there.text()).toBe(name);
      await Promise.all([here.close(), there.close()]);
    }
    expect(await right.metric('outcry_bridge_subscribes_degraded_total')).toBe(0);
  });
});

describe('clusters', () => {
  it('with different prefixes do not hear each other', async () => {
    const other = await temporary('--redis', redis.url, '--redis-prefix', 'other');
    await untilReady(other);
    const [here, there] = await Promise.all([
      TestClient.open(room(left, 'prefix')),
      TestClient.open(room(other, 'prefix')),
    ]);
    here.send('not for you');
    there.send('own');
    expect(await there.text()).toBe('own');
    expect(await other.metric('outcry_cluster_nodes')).toBe(1);
    await Promise.all([here.close(), there.close()]);
  });

  it('with different numbers of shards do not mix: the newcomer says so and is never ready', async () => {
    const other = await temporary('--redis', redis.url, '--redis-shards', '32', '--node-id', 'odd');
    await other.untilLog(/laid out differently/);
    expect(await other.ready()).toBe(503);
    const [here, there] = await Promise.all([
      TestClient.open(room(left, 'shards')),
      TestClient.open(`${room(other, 'shards')}?hello=1`),
    ]);
    expect(JSON.parse(await there.text())).toEqual({ node: 'odd', degraded: true });
    here.send('not for you');
    there.send('own');
    expect(await there.text()).toBe('own');
    await Promise.all([here.close(), there.close()]);
  });

  it('raise an alarm when two nodes have one id', async () => {
    const twin = await temporary('--redis', redis.url, '--node-id', 'left');
    await Promise.all([twin.untilLog(/same node id/), left.untilLog(/same node id/)]);
    expect(await left.metric('outcry_bridge_node_id_conflicts_total')).toBe(1);
  });

  it('know how many nodes there are, and forget one that has gone', async () => {
    const third = await startNode(['--redis', redis.url, '--node-id', 'third', '--redis-prefix', 'counted']);
    const fourth = await temporary('--redis', redis.url, '--node-id', 'fourth', '--redis-prefix', 'counted');
    await fourth.untilMetric('outcry_cluster_nodes', 2);
    await third.kill();
    await until(
      () => fourth.metric('outcry_cluster_nodes'),
      (nodes) => nodes === 1,
      { withinMs: 15_000 },
    );
    // It was the only other one, and Redis is where it was: nothing is wrong.
    expect(await fourth.ready()).toBe(200);
  });
});

describe('Redis', () => {
  it('may demand a password and have another database', async () => {
    const guarded = await TestRedis.start({ flags: ['--requirepass', 'a secret/@'] });
    onTestFinished(() => guarded.kill());
    const address = `127.0.0.1:${guarded.port}`;
    const node = await temporary('--redis', `redis://:${encodeURIComponent('a secret/@')}@${address}/3`);
    await untilReady(node);
    const refused = await temporary('--redis', `redis://:wrong@${address}`);
    await refused.untilLog(/WRONGPASS/);
    expect(await refused.ready()).toBe(503);
    expect(refused.logs.join('\n')).not.toContain('wrong@');
  });

  it('may speak TLS, with an authority of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    );
    const [tlsPort] = await freePorts(1);
    const secure = await TestRedis.start({
      flags: [
        ...['--tls-port', String(tlsPort), '--tls-cert-file', certificate, '--tls-key-file', key],
        ...['--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'],
      ],
    });
    onTestFinished(() => secure.kill());
    const url = `rediss://127.0.0.1:${tlsPort}`;
    const node = await temporary('--redis', url, '--redis-ca-file', certificate);
    await untilReady(node);
    const distrustful = await temporary('--redis', url);
    await distrustful.untilLog(/self.signed certificate/);
    expect(await distrustful.ready()).toBe(503);
  });
});
