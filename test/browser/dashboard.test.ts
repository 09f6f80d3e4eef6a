/**
 * The dashboard in a real browser, over two nodes that are joined by a Redis.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { post } from '../support/api.ts';
import { launchChromium } from '../support/chromium.ts';
import { NativeClient } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';

const key = 'correct horse battery';
/** What a client may call a channel. */
const hostile = '<img src=x onerror="document.title=1">';
const patienceMs = 25_000;
/** A busy machine gets the time that it needs. */
const patiently = { timeout: patienceMs };

let redis: TestRedis;
let browser: Browser;
let left: TestNode;
let right: TestNode;
let listener: NativeClient;
beforeAll(async () => {
  redis = await TestRedis.start();
  const join = ['--redis', redis.url, '--node-id'];
  [left, right, browser] = await Promise.all([
    startNode([...join, 'left']),
    startNode([...join, 'right', '--admin-key', key]),
    launchChromium(),
  ]);
  await left.untilMetric('outcry_cluster_nodes', 2);
  listener = await NativeClient.connect(left.url, 'outcry.v1.json');
  listener.say({ type: 'subscribe', id: 1, channels: ['chat', hostile] });
  await listener.hear();
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([left?.stop(), right?.stop()]);
  await redis?.kill();
});

interface Opened {
  page: Page;
  /** Errors on its console, and whatever it asked of anybody but its node. */
  faults: string[];
  /** Every address that it asked for. */
  addresses: string[];
}

async function open(node: TestNode, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const faults: string[] = [];
  const addresses: string[] = [];
  const own = `localhost:${node.adminPort}`;
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    addresses.push(request.url());
    if (new URL(request.url()).host !== own) faults.push(request.url());
  });
  page.on('websocket', (socket) => void addresses.push(socket.url()));
  await page.goto(`http://${own}/dashboard`);
  return { page, faults, addresses };
}

const row = (page: Page, node: string) =>
  page.locator('#nodes tbody tr', { has: page.getByText(node, { exact: true }) });
const live = (page: Page) => page.locator('body[data-state=live]').waitFor();

/** Runs in the page: some pixel of the chart is not transparent. */
const isDrawn = (metric: string) => `(() => {
  const canvas = document.querySelector('[data-metric="${metric}"] canvas');
  return canvas !== null && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
})()`;

describe.each([
  ['desktop', 1280],
  ['phone', 375],
] as const)('on a %s', (_, width) => {
  test.each(['light', 'dark'] as const)(
    'all nodes and every chart are there, %s, with nothing from elsewhere',
    async (colorScheme) => {
      const { page, faults } = await open(left, { viewport: { width, height: 900 }, colorScheme });
      await live(page);
      for (const node of ['left', 'right'])
        await row(page, node).locator('td:nth-child(2)', { hasText: 'ready' }).waitFor();
      await expect
        .poll(() => page.locator('[data-tile=nodes] dd').first().textContent(), patiently)
        .toBe('2');
      for (const metric of ['deliveries', 'published', 'connections', 'write', 'lag', 'cpu'])
        await expect.poll(() => page.evaluate(isDrawn(metric)), { message: metric, ...patiently }).toBe(true);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      expect(faults).toEqual([]);
    },
  );
});

test('figures are those of the nodes, and names are text whatever they are', async () => {
  const { page, faults } = await open(left);
  await live(page);
  const timer = setInterval(() => {
    for (const channel of ['chat', hostile]) void post(left, 'publish', { channel, text: 'x' });
  }, 100);
  onTestFinished(() => clearInterval(timer));
  await page.locator('#channels tbody th', { hasText: 'chat' }).waitFor();
  await page.locator('#channels tbody th', { hasText: hostile }).waitFor();
  expect(await page.locator('#channels img').count()).toBe(0);
  expect(await page.title()).toBe('Outcry dashboard');
  await expect
    .poll(() => page.locator('[data-tile=write] dd').first().textContent(), patiently)
    .toMatch(/^[\d.]+ ms$/);
  await expect
    .poll(() => page.locator('[data-tile=deliveries] dd').first().textContent(), patiently)
    .toMatch(/^\d/);
  await expect.poll(() => row(page, 'left').locator('td').nth(1).textContent(), patiently).toBe('1');
  expect(faults).toEqual([]);
});

test('it can be used by keyboard alone', async () => {
  const { page } = await open(left);
  await live(page);
  await expect
    .poll(() => page.locator('[data-metric=connections] .readout li').count(), patiently)
    .toBeGreaterThan(0);
  const seen = new Set<string>();
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press('Tab');
    seen.add(
      (await page.evaluate('document.activeElement.id || document.activeElement.className')) as string,
    );
  }
  for (const reached of ['window', 'theme', 'pause', 'scroller', 'plot'])
    expect([...seen]).toContain(reached);

  await page.locator('#pause').press('Enter');
  expect(await page.locator('#pause').getAttribute('aria-pressed')).toBe('true');
  const chart = page.locator('[data-metric=connections]');
  await chart.locator('.plot').press('Home');
  expect(await chart.getAttribute('data-at')).toMatch(/^at \d\d:\d\d:\d\d$/);
  // The first sample may have come before the other node was heard of.
  expect(await chart.locator('.plot').getAttribute('aria-label')).toMatch(
    /^Connections, at .*(left|right) \d/,
  );
  await chart.locator('.plot').press('Escape');
  expect(await chart.getAttribute('data-at')).toBe('now');

  await page.locator('#theme').selectOption('dark');
  expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');
  await page.reload();
  expect(await page.locator('#theme').inputValue()).toBe('dark');
});

test('the key opens it, stands in no address, and is kept nowhere', async () => {
  const { page, addresses } = await open(right);
  await page.locator('body[data-state=locked]').waitFor();
  expect(await page.locator('#main').isVisible()).toBe(false);
  expect(await page.evaluate('document.activeElement.id')).toBe('key');
  await page.keyboard.type('wrong horse battery');
  await page.keyboard.press('Enter');
  await page.getByText('That is not the key.').waitFor();
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await live(page);
  await row(page, 'left').waitFor();

  await page.reload();
  await live(page);
  for (const address of [page.url(), ...addresses]) expect(decodeURIComponent(address)).not.toContain(key);
  expect(
    await page.evaluate('JSON.stringify([localStorage, sessionStorage]) + document.cookie'),
  ).not.toContain('horse');
  expect(await page.evaluate('document.cookie')).toBe('');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.locator('body[data-state=locked]').waitFor();
  await page.reload();
  await page.locator('body[data-state=locked]').waitFor();
});

test('a drain, a death and a return are told as they happen', async () => {
  const join = ['--redis', redis.url, '--node-id'];
  const [drained, killed] = await Promise.all([
    startNode([...join, 'drained', '--drain-window-ms', '1500']),
    startNode([...join, 'killed']),
  ]);
  const client = await NativeClient.connect(drained.url, 'outcry.v1.json');
  const { page } = await open(left);
  await live(page);
  for (const node of ['drained', 'killed']) await row(page, node).waitFor();
  drained.signal('SIGTERM');
  await killed.kill();
  const story = page.locator('#story');
  await story.getByText('drained is draining: 1 client').waitFor();
  await story.getByText('drained has ended, as it said').waitFor();
  await story.getByText('killed says nothing').waitFor();
  await page.locator('#nodes tr[data-state=gone]', { hasText: 'drained' }).waitFor();
  await client.client.closed;
  const again = await startNode([...join, 'drained']);
  onTestFinished(async () => void (await again.stop()));
  await story.getByText('drained is back, started anew').waitFor();
});
