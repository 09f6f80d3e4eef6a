/**
 * The page of a benchmark report in a real browser: from a file, as a reader gets it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pageDataOf } from '../../bench/report/page-data.ts';
import { writePage } from '../../bench/report/page.ts';
import { alternated, sampleReport } from '../../bench/report/sample-report.ts';
import { launchChromium } from '../support/chromium.ts';

const folder = mkdtempSync(join(tmpdir(), 'outcry-report-'));
const report = sampleReport(
  [10, 100, 3_000].flatMap((rate) =>
    alternated({ 'bare-bun': { p99: rate / 10 }, 'outcry-bun': { status: 'generator-bound' } }, { rate }),
  ),
);
let url: string;
let browser: Browser;
beforeAll(async () => {
  url = pathToFileURL(writePage(report, join(folder, 'fanout.json'))).href;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs in the page: some pixel of the chart is not transparent. */
const isDrawn = (metric: string) => `(() => {
  const canvas = document.querySelector('[data-metric="${metric}"] canvas');
  return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean);
})()`;

interface Opened {
  page: Page;
  /** What it logged as an error, and what it asked the network for. */
  faults: string[];
}

async function open(options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => void (request.url() !== url && faults.push(request.url())));
  await page.goto(url);
  return { page, faults };
}

describe.each([
  ['desktop', 1280],
  ['phone', 390],
] as const)('on a %s', (_, width) => {
  test.each(['light', 'dark'] as const)('it draws a chart for each metric, %s', async (colorScheme) => {
    const { page, faults } = await open({ viewport: { width, height: 800 }, colorScheme });
    const metrics = pageDataOf(report).charts.map(({ title }) => title);
    expect(metrics).toContain('CPU per delivery');
    for (const metric of metrics) {
      await page.locator(`[data-metric="${metric}"] canvas`).waitFor();
      expect(await page.evaluate(isDrawn(metric)), metric).toBe(true);
    }
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(faults).toEqual([]);
  });
});

test('without scripts its tables are all there', async () => {
  const { page } = await open({ javaScriptEnabled: false });
  expect(await page.locator('h2').allTextContents()).toEqual([
    'Charts',
    'Bars',
    'Tables',
    'A/A',
    'Notes',
    'How it was run',
  ]);
  expect(await page.locator('[data-mark=missed] .mark').textContent()).toBe('missed');
  expect(await page.locator('[data-mark=generator-bound] .mark').textContent()).toBe('generator-bound 1/2');
  expect(await page.getByText('A <fast> one').isVisible()).toBe(true);
  expect(await page.locator('noscript').textContent()).toContain('drawn by a script');
});

test('it tells the figures of the load under the pointer', async () => {
  const { page } = await open();
  const chart = page.locator('[data-metric=p99]');
  await expect.poll(() => chart.locator('.readout').textContent()).toContain('3,000 messages/s: bare-bun');
  await chart.locator('.u-over').hover({ position: { x: 5, y: 50 } });
  await expect
    .poll(() => chart.locator('.readout').textContent())
    .toBe('10 messages/s: bare-bun 1.02 · outcry-bun 10* (* does not count)');
});
