/**
 * The race, small, in a real browser: two servers, a generator for each, and the page that shows them.
 */
import { existsSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { descendantsOf } from '../support/descendants.ts';
import { startRace, type TestRace } from '../support/race.ts';
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
afterAll(() => browser?.close());

const figure = (side: string, name: string) => page.locator(`[data-side=${side}] [data-show=${name}]`);

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

test('what is not there yet is grey and says why', async () => {
  for (const name of ['Kill a node', 'Kill Redis']) {
    const button = page.getByRole('button', { name });
    expect(await button.isDisabled()).toBe(true);
    expect(await button.getAttribute('title')).toContain('Not in this race yet');
  }
});

test('a paused reader loses silently on bare Bun and is cut off by Outcry', async () => {
  await page.getByRole('button', { name: 'Pause a reader' }).click();
  await figure('left', 'reader').getByText('it was told nothing').waitFor();
  await figure('right', 'reader').getByText('was cut off: it knows').waitFor();
  expect(await figure('left', 'lost').textContent()).toMatch(/^[1-9][\d,]*$/);
  expect(await figure('right', 'lost').textContent()).toBe('0');
}, 60_000);

test('nothing was wrong with the page, and Ctrl-C leaves nothing running', async () => {
  expect(faults).toEqual([]);
  await page.close();
  const processes = [race.pid, ...descendantsOf(race.pid)];
  // bun.mjs, the race, three servers, two publishers, two receivers.
  expect(processes.length).toBeGreaterThanOrEqual(9);
  expect(await race.interrupt()).toBe(130);
  await until(
    () => processes.filter((pid) => existsSync(`/proc/${pid}`)),
    (left) => left.length === 0,
    { what: 'the end of every process' },
  );
});
