/**
 * Bun and Node side by side in one cluster: who is on which is nobody's business.
 */
import type { Browser, Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { launchChromium } from '../support/chromium.ts';
import { TestClient } from '../support/client.ts';
import { TestCluster } from '../support/cluster.ts';
import { startHaproxy } from '../support/haproxy.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { heard, named, say, transcript } from '../support/room-page.ts';
import type { Runtime } from '../support/runtimes.ts';
import { until } from '../support/until.ts';

/** Undone in reverse order, whatever became of the test. */
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('clients on both hear each other behind HAProxy, text and binary, in order', async () => {
  const cluster = new TestCluster(['--nodes', '4', '--runtime', 'mixed']);
  cleanUps.push(() => cluster.stop());
  await cluster.ready();
  const names = ['node-1', 'node-2', 'node-3', 'node-4'];
  expect(names.map((name) => cluster.part(name).runtime)).toEqual(['bun', 'node', 'bun', 'node']);

  const [url = ''] = cluster.part('haproxy').addresses;
  const members = new Map<string, TestClient>();
  await until(
    async () => {
      const client = await TestClient.open(`${url}/?hello=1`);
      const { node } = JSON.parse(await client.text());
      // HAProxy may have seen some nodes earlier than others.
      if (members.has(node)) await client.close();
      else members.set(node, client);
      return [...members.keys()].sort();
    },
    (on) => on.join() === names.join(),
    { what: 'a client on each node' },
  );
  const room = [...members.values()];

  for (const [index, client] of room.entries())
    for (let number = 0; number < 20; number += 1) {
      client.send(`${index} ${number}`);
      client.send(Buffer.from([index, number, 0xff]));
    }
  for (const client of room) {
    const messages = [];
    while (messages.length < 4 * 40) messages.push(await client.next());
    for (const index of room.keys()) {
      const texts = messages.filter(({ text, data }) => text && data.toString().startsWith(`${index} `));
      const binaries = messages.filter(({ text, data }) => !text && data[0] === index);
      const numbers = Array.from({ length: 20 }, (_, number) => number);
      expect(texts.map(({ data }) => data.toString())).toEqual(numbers.map((number) => `${index} ${number}`));
      expect(binaries.map(({ data }) => [...data])).toEqual(numbers.map((number) => [index, number, 0xff]));
    }
  }
});

it('browsers keep talking while each node in turn is swapped for one on the other runtime, and back', async () => {
  const redis = await TestRedis.start();
  cleanUps.push(() => redis.kill());
  const nodePorts = await freePorts(4);
  const nodes: TestNode[] = [];
  const living: string[] = [];
  cleanUps.push(() => Promise.all(nodes.map((node) => node.stop())));
  const start = async (index: number, runtime: Runtime) => {
    const id = `${index + 1} on ${runtime}`;
    const flags = { '--port': nodePorts[index], '--node-id': id, '--runtime': runtime, '--redis': redis.url };
    nodes[index] = await startNode(Object.entries(flags).flat().map(String));
    living[index] = id;
  };
  for (const index of nodePorts.keys()) await start(index, 'bun');
  const haproxy = await startHaproxy({ mode: 'http', nodePorts });
  cleanUps.push(() => haproxy.stop());
  const browser = await launchChromium();
  cleanUps.push(() => browser.close());

  const ada = await visit(browser, haproxy.port, 'Ada');
  const grace = await visit(browser, haproxy.port, 'Grace');
  const said: string[] = [];
  for (const runtime of ['node', 'bun'] as const)
    for (const index of nodePorts.keys()) {
      await nodes[index]?.stop();
      await start(index, runtime);
      for (const page of [ada, grace])
        await page.locator(living.map((id) => `body[data-node="${id}"]`).join(', ')).waitFor();
      for (const [page, name] of [
        [ada, 'Ada'],
        [grace, 'Grace'],
      ] as const) {
        await say(page, `beside ${living[index]}`);
        said.push(`${name}: beside ${living[index]}`);
        await Promise.all([heard(ada, said.length), heard(grace, said.length)]);
      }
    }
  expect(await transcript(ada)).toEqual(said);
  expect(await transcript(grace)).toEqual(said);
}, 90_000);

async function visit(browser: Browser, port: number, name: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://localhost:${port}/?room=swap`);
  await page.locator('body[data-node]').waitFor();
  await named(page, name);
  return page;
}
