/**
 * A real Sentinel: the nodes find the master through it, and the new one when it has failed over.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { watchSentinels } from '../../src/bridge/redis-sentinels.ts';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'outcry-sentinel-'));
  return () => rmSync(folder, { recursive: true });
});

async function redis(...flags: string[]): Promise<TestRedis> {
  const started = await TestRedis.start({ flags });
  onTestFinished(() => started.kill());
  return started;
}

/** Three sentinels that watch a master and agree by two. */
async function sentinels(masterPort: number): Promise<TestRedis[]> {
  return await Promise.all(
    [1, 2, 3].map(async (number) => {
      const [port] = (await freePorts(1)) as [number];
      const file = join(folder, `sentinel-${number}.conf`);
      writeFileSync(
        file,
        `sentinel monitor feed 127.0.0.1 ${masterPort} 2
sentinel down-after-milliseconds feed 1000
sentinel failover-timeout feed 5000
`,
      );
      const sentinel = await TestRedis.startSentinel(port, file);
      onTestFinished(() => sentinel.kill());
      return sentinel;
    }),
  );
}

it('hears of another master of its own from whoever watches it, and of no other one', async () => {
  const speaking = await redis();
  let heard = 0;
  const end = watchSentinels({
    address: {
      ...{ hosts: [{ host: '127.0.0.1', port: speaking.port }], sentinelMaster: 'feed', database: 0 },
      ...{ username: null, password: null, tls: false },
    },
    ...{ ca: null, name: 'a-test', onSwitch: () => (heard += 1) },
  });
  onTestFinished(() => end());
  const says = async (sentence: string) =>
    Number(await speaking.client().call('PUBLISH', '+switch-master', sentence));
  await until(
    () => says('other 127.0.0.1 1 127.0.0.1 2'),
    (listeners) => listeners === 1,
  );
  for (let time = 0; time < 3; time += 1) await says('feed 127.0.0.1 1 127.0.0.1 2');
  await until(
    () => heard,
    (times) => times >= 3,
  );
  await says('other 127.0.0.1 2 127.0.0.1 1');
  expect(heard).toBe(3);
});

it('leads the nodes to the new master after the old one was killed', async () => {
  const master = await redis();
  const replica = await redis('--replicaof', '127.0.0.1', String(master.port));
  const three = await sentinels(master.port);
  const [first] = three as [TestRedis, ...TestRedis[]];
  await until(
    async () => String(await first.client().call('INFO', 'sentinel')),
    (info) => info.includes('slaves=1') && info.includes('sentinels=3'),
    { what: 'the sentinels knowing each other', withinMs: 15_000 },
  );

  const url = `redis+sentinel://${three.map(({ port }) => `127.0.0.1:${port}`).join(',')}/feed`;
  const nodes = await Promise.all(
    ['left', 'right'].map((id) => startNode(['--redis', url, '--node-id', id])),
  );
  onTestFinished(async () => void (await Promise.all(nodes.map((node) => node.stop()))));
  await allReady(nodes, 200);
  const [here, there] = (await Promise.all(nodes.map(({ url: address }) => TestClient.open(address)))) as [
    TestClient,
    TestClient,
  ];
  here.send('before');
  expect(await there.text()).toBe('before');

  await master.kill();
  await allReady(nodes, 503);
  await until(
    () => roleOf(replica),
    (role) => role === 'master',
    { what: 'the failover', withinMs: 20_000 },
  );
  const newMasterAt = performance.now();
  await allReady(nodes, 200);
  expect(performance.now() - newMasterAt).toBeLessThan(5_000);
  here.send('after');
  expect(await there.text()).toBe('after');
  for (const node of nodes) expect(await node.metric('outcry_bridge_possible_gaps_total')).toBeGreaterThan(0);
  await Promise.all([here.close(), there.close()]);
}, 60_000);

async function allReady(nodes: TestNode[], status: number): Promise<void> {
  await Promise.all(nodes.map((node) => node.untilReady(status)));
}

/** Sentinel cuts the clients of a replica while it promotes it: no answer is no role yet. */
async function roleOf(server: TestRedis): Promise<string> {
  const client = server.client();
  try {
    return String(((await client.call('ROLE')) as unknown[])[0]);
  } catch {
    return 'none';
  } finally {
    client.disconnect();
  }
}
