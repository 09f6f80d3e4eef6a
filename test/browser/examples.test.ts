/**
 * The pages and the program of docs/examples.md as they stand there, in a real browser, on two nodes that a Redis joins and
 * HAProxy stands before; and what that page promises when these die.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { clientBundles } from '../../bin/client-bundle.mjs';
import { findBun } from '../../bin/find-bun.mjs';
import { launchChromium } from '../support/chromium.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';
import { endsWithUs } from '../support/leftovers.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documentation = readFileSync(join(root, 'docs/examples.md'), 'utf8');
const [, namespaces = ''] = /OUTCRY_NAMESPACES='(.*?)' npm run cluster/.exec(documentation) ?? [];
const programs = new Map(
  [...documentation.matchAll(/^```(?:html|js)\n(?:<!-- (\S+) -->|\/\/ (\S+))\n(.*?)^```$/gms)].map(
    ([, page, program, code]) => [page ?? program, code ?? ''],
  ),
);

let redis: TestRedis;
let nodes: TestNode[];
let haproxy: TestHaproxy;
let pages: Server;
let browser: Browser;

beforeAll(async () => {
  clientBundles();
  redis = await TestRedis.start();
  const start = (id: string) =>
    startNode(['--redis', redis.url, '--node-id', id], { OUTCRY_NAMESPACES: namespaces });
  [browser, ...nodes] = await Promise.all([launchChromium(), start('node-1'), start('node-2')]);
  await Promise.all(nodes.map((node) => node.untilReady(200)));
  haproxy = await startHaproxy({ mode: 'http', nodePorts: nodes.map(({ port }) => port) });
  pages = createServer(({ url = '' }, response) => {
    const code = programs.get(url.slice(1));
    response.writeHead(code === undefined ? 404 : 200, { 'Content-Type': 'text/html' });
    response.end(here(code ?? ''));
  }).listen(0, 'localhost');
  await once(pages, 'listening');
});
afterAll(async () => {
  await browser?.close();
  pages?.close();
  await Promise.all([haproxy?.stop(), ...(nodes ?? []).map((node) => node.kill())]);
  await redis?.kill();
});

const here = (code: string) => code.replaceAll('localhost:8080', `localhost:${haproxy.port}`);

async function open(name: string): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(`http://localhost:${(pages.address() as AddressInfo).port}/${name}`);
  return page;
}

/** Runs the program until the test ends. */
function run(name: string): void {
  const folder = mkdtempSync(join(root, 'dist-documentation-'));
  const file = join(folder, name);
  writeFileSync(file, here(programs.get(name) ?? ''));
  const child = spawn(findBun() ?? '', [file], { stdio: 'ignore', cwd: root });
  endsWithUs(child);
  onTestFinished(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
}

const linesOf = (page: Page) => page.locator('li').allTextContents();
const statusOf = async (page: Page) => (await page.locator('output').textContent()) ?? '';

const shows = (what: string, page: Page, pattern: RegExp) =>
  until(
    () => statusOf(page),
    (status) => pattern.test(status),
    { what, withinMs: 20_000 },
  );

/** What is said comes to all, once. */
async function hear(everybody: readonly Page[], expected: readonly string[]): Promise<void> {
  for (const page of everybody)
    await until(
      () => linesOf(page),
      (lines) => lines.length >= expected.length,
      { what: expected.join(', '), withinMs: 20_000 },
    );
  for (const page of everybody) expect(await linesOf(page)).toEqual(expected);
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('input').fill(text);
  await page.locator('input').press('Enter');
}

it('has the programs that are tried here', () => {
  expect([...programs.keys()]).toEqual(['chat.html', 'board.html', 'quotes.js']);
});

it('the chat and the board survive their node and their Redis', async () => {
  run('quotes.js');
  const [ada, grace, board] = await Promise.all([open('chat.html'), open('chat.html'), open('board.html')]);
  const everybody = [ada, grace];
  for (const page of everybody) await shows('connected', page, /^on node-/);
  await say(ada, 'one');
  await hear(everybody, ['one']);

  const prices = () => board.locator('tr').allTextContents();
  const isOld = () => board.locator('table.old').count();
  const fresh = (what: string) =>
    until(
      async () => [await isOld(), (await prices()).length],
      ([old, rows]) => old === 0 && rows === 3,
      { what, withinMs: 20_000 },
    );
  await fresh('a board');

  // The node of one of them is killed, and what is said meanwhile is missed by nobody.
  const victim = Number((await statusOf(grace)).at(-1)) - 1;
  await nodes[victim]?.kill();
  await say(ada, 'two');
  await shows('back', grace, new RegExp(`^on node-${2 - victim}`));
  await hear(everybody, ['one', 'two']);
  await fresh('a board after the death of a node');

  // Redis is killed: everybody is told, and what is said waits. It comes back empty, which is told too.
  await redis.kill();
  for (const page of everybody) await shows('degraded', page, /cannot be heard/);
  await until(isOld, (old) => old === 1, { what: 'an old board' });
  await say(grace, 'three');
  await redis.start();
  for (const page of everybody) await shows('restored', page, /everybody is back/);
  await hear(everybody, ['one', 'two', '(something may be missing here: epoch_changed)', 'three']);
  await fresh('a board after the death of Redis');
  const before = await prices();
  await until(prices, (now) => now.join() !== before.join(), { what: 'the next price' });

  // Whoever comes later sees what was said since.
  await hear([await open('chat.html')], ['three']);
}, 60_000);
