/**
 * The race, small, in a real browser: two nodes and a Redis on each side, a
 * generator for each, and the page that shows them.
 */
import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { descendantsOf } from '../support/descendants.ts';
import { startRace, type TestRace } from '../support/race.ts';
import { countOf, figureOf, killOn } from '../support/race-page.ts';
import { until } from '../support/until.ts';

/** A pause lasts some seconds, and a turn of each side comes before it. */
const patienceMs = 60_000;

let race: TestRace;
let browser: Browser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  race = await startRace('--clients', '20', '--rate', '50');
  browser = await launchChromium();
  page = await browser.newPage();
  page.setDefaultTimeout(patienceMs);
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(race.url);
});
// Also when only some of these tests run: killed with its launcher it would leave its processes behind.
afterAll(async () => {
  await Promise.all([browser?.close(), race?.interrupt()]);
});

const figure = (side: string, name: string) => figureOf(page, side, name);
const counted = (side: string, name: string) => countOf(page, side, name);
const kill = (name: string) => killOn(page, name, patienceMs);

test('both sides are fed and counted', async () => {
  for (const side of ['left', 'right']) {
    await page.locator(`[data-side=${side}][data-rate="50"]`).waitFor();
    expect(await figure(side, 'p99').textContent()).toMatch(/^[\d.,]+ ms$/);
    expect(await figure(side, 'share').textContent()).toMatch(/^\d+ %$/);
    expect(await figure(side, 'cost').textContent()).toMatch(/^[\d.]+ µs$/);
    // Twenty subscribers heard fifty messages, or some of the next turn's too.
    expect(Number((await figure(side, 'delivered').textContent())?.replaceAll(',', ''))).toBeGreaterThan(999);
    expect(await figure(side, 'lost').textContent()).toBe('0');
  }
  expect(await page.locator('.chart canvas').count()).toBe(3);
});

test('the slider moves both', async () => {
  await page.locator('#rate').fill('400');
  await expect.poll(() => page.locator('#rate-value').textContent()).toBe('190');
  for (const side of ['left', 'right']) await page.locator(`[data-side=${side}][data-rate="190"]`).waitFor();
});

test('a killed Redis: Outcry tells everybody, and what bare Bun loses it loses without a word', async () => {
  const { left, right } = await kill('Kill Redis');
  for (const story of [left, right]) {
    expect(story[0]).toMatch(/^0\.0 s\s+Redis was killed$/);
    expect(story.join('\n')).toMatch(/[2-4]\.\d s\s+Redis runs again, empty/);
  }
  expect(right.join('\n')).toContain('All 20 subscribers have been told that they may miss something');
  expect(right.at(-1)).toMatch(/^[\d,]+ missed by subscribers who know it; nothing lost without a word; p99/);
  expect(await counted('right', 'lost')).toBe(0);
  expect(await counted('right', 'told')).toBeGreaterThan(0);
  // What its library holds back comes late; whether it comes to all depends on which connection is back first.
  expect(left.at(-1)).toMatch(/^([\d,]+ lost without a word, by|Nothing lost)/);
  expect(left.join('\n')).not.toContain('told that they may');
  expect(await counted('left', 'told')).toBe(0);
}, 90_000);

test('a killed node: whoever was connected to it knows, and is back on the other', async () => {
  const lostBefore = await counted('left', 'lost');
  for (const story of Object.values(await kill('Kill a node'))) {
    expect(story[0]).toMatch(/^0\.0 s\s+The second node was killed$/);
    expect(story.join('\n')).toContain('10 connections ended: their owners know');
    expect(story.join('\n')).toContain('10 of them are back');
    expect(story.at(-1)).toMatch(/nothing lost without a word; p99/);
  }
  expect([await counted('left', 'lost'), await counted('right', 'lost')]).toEqual([lostBefore, 0]);
  // Fed on, by both nodes.
  for (const side of ['left', 'right']) {
    const before = await counted(side, 'delivered');
    await expect
      .poll(() => counted(side, 'delivered'), { timeout: patienceMs })
      .toBeGreaterThan(before + 1_000);
  }
}, 90_000);

test('a paused reader loses silently on bare Bun and is cut off by Outcry', async () => {
  await page.getByRole('button', { name: 'Pause a reader' }).click();
  await figure('left', 'reader').getByText('it was told nothing').waitFor();
  await figure('right', 'reader').getByText('was cut off: it knows').waitFor();
  await expect.poll(() => counted('left', 'lost')).toBeGreaterThan(0);
  expect(await figure('right', 'lost').textContent()).toBe('0');
}, 60_000);

test('nothing was wrong with the page, and Ctrl-C leaves nothing running', async () => {
  expect(faults).toEqual([]);
  await page.close();
  const processes = [race.pid, ...descendantsOf(race.pid)];
  // bun.mjs, the race, five servers, two of Redis, two publishers, two receivers.
  expect(processes.length).toBeGreaterThanOrEqual(13);
  expect(await race.interrupt()).toBe(130);
  await until(
    () => processes.filter((pid) => existsSync(`/proc/${pid}`)),
    (left) => left.length === 0,
    { what: 'the end of every process' },
  );
});

test('without Redis each side is one node, and nothing can be killed', async () => {
  const alone = await startRace('--clients', '10', '--rate', '50', '--alone');
  page = await browser.newPage();
  await page.goto(alone.url);
  for (const side of ['left', 'right']) await page.locator(`[data-side=${side}][data-rate="50"]`).waitFor();
  for (const name of ['Kill a node', 'Kill Redis'])
    expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
  expect(await page.locator('#no-kill').textContent()).toBe(
    'Nothing can be killed: each side is one node, because of --alone.',
  );
  // bun.mjs, the race, three servers, two publishers, two receivers.
  expect([alone.pid, ...descendantsOf(alone.pid)].length).toBe(9);
  expect(await alone.interrupt()).toBe(130);
}, 60_000);
