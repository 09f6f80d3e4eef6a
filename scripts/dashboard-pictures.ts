/**
 * Pictures of the dashboard: four nodes with a minute of traffic, in which one of them is drained and comes back, and another is killed.
 */
import type { Browser } from 'playwright-core';
import { WebSocket } from 'ws';
import { connect } from '../src/client/index.ts';
import { startNode, type TestNode } from '../test/support/node.ts';
import { TestRedis } from '../test/support/redis.ts';

const pictures = [
  { file: 'dashboard-light.png', width: 1280, height: 1360, colorScheme: 'light', scale: 1 },
  { file: 'dashboard-dark.png', width: 1280, height: 1360, colorScheme: 'dark', scale: 1 },
  { file: 'dashboard-dark-phone.png', width: 375, height: 1400, colorScheme: 'dark', scale: 2 },
] as const;

const names = ['node-1', 'node-2', 'node-3', 'node-4'];
const clientsPerNode = 60;
const seconds = 62;
const drainAt = 18;
const killAt = 40;
/** Until a supervisor would have started it again. */
const restartMs = 4_000;

/** Channels and how often each speaks in a second, at most. */
const feeds: readonly [string, number][] = [
  ['prices:EUR', 60],
  ['prices:USD', 40],
  ['scores:final', 20],
  ['chat:lobby', 8],
  ['chat:números', 3],
];

/** @param folder ends in a slash */
export async function takeDashboardPictures(browser: Browser, folder: string): Promise<void> {
  const redis = await TestRedis.start();
  const ends: (() => unknown)[] = [() => redis.kill()];
  try {
    const start = (name: string, port = 0) =>
      startNode(['--redis', redis.url, '--node-id', name, '--port', `${port}`]);
    const nodes = await Promise.all(names.map((name) => start(name)));
    ends.push(() => Promise.all(nodes.map((node) => node.stop())));
    const [first, , drained, killed] = nodes as [TestNode, TestNode, TestNode, TestNode];
    ends.push(...nodes.map(listen), publish(first));

    const pages = await Promise.all(
      pictures.map(async ({ width, height, colorScheme, scale }) => {
        const page = await browser.newPage({
          viewport: { width, height },
          colorScheme,
          deviceScaleFactor: scale,
          locale: 'en-GB',
        });
        await page.goto(`http://localhost:${first.adminPort}/dashboard`);
        await page.locator('body[data-state=live]').waitFor();
        await page.locator('#window').selectOption('60');
        return page;
      }),
    );
    const [page] = pages;
    if (page === undefined) throw new Error('there is nothing to take a picture of');
    await page.waitForTimeout(drainAt * 1_000);
    await drained.stop();
    await page.waitForTimeout(restartMs);
    nodes.push(await start('node-3', drained.port));
    await page.waitForTimeout((killAt - drainAt) * 1_000 - restartMs);
    await killed.kill();
    await page.waitForTimeout(restartMs);
    nodes.push(await start('node-4', killed.port));
    await page.waitForTimeout((seconds - killAt) * 1_000 - restartMs);
    for (const [index, { file }] of pictures.entries())
      await pages[index]?.screenshot({ path: `${folder}${file}` });
    await Promise.all(pages.map((each) => each.close()));
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** Clients that come back by themselves; returns how to end them. */
function listen({ port }: TestNode, place: number): () => void {
  const clients = Array.from({ length: clientsPerNode + 10 * place }, (_, i) => {
    const client = connect(`ws://127.0.0.1:${port}`, { codec: 'msgpack', WebSocket });
    client.on('error', () => {});
    for (const [channel] of feeds.slice(0, 1 + (i % feeds.length))) client.subscribe(channel);
    return client;
  });
  return () => {
    for (const client of clients) void client.close();
  };
}

/** A load that comes and goes; returns how to end it. */
function publish({ port }: TestNode): () => void {
  const client = connect(`ws://127.0.0.1:${port}`, { codec: 'msgpack', WebSocket });
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    const swing = 0.6 + 0.4 * Math.sin(turn / 50);
    for (const [channel, most] of feeds)
      if (Math.random() < (most * swing) / 20)
        for (let i = 0; i < Math.max(1, Math.round((most * swing) / 20)); i += 1)
          void client.publish(channel, { turn, text: 'x'.repeat(80) }).catch(() => {});
  }, 50);
  return () => {
    clearInterval(timer);
    void client.close();
  };
}
