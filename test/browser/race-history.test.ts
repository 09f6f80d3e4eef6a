/**
 * The race with a history, small, in a real browser. A file of its own: mostly waiting, beside the other one.
 */
import { expect, onTestFinished, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startRace } from '../support/race.ts';
import { countOf, killOn } from '../support/race-page.ts';

const patienceMs = 60_000;

test('with a history Outcry brings back who was cut off with all that he missed, and loses nothing without a word', async () => {
  const race = await startRace('--clients', '20', '--rate', '50', '--history');
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(patienceMs);
  await page.goto(race.url);
  await page.locator('[data-side=right][data-rate="50"]').waitFor();
  expect(await page.locator('#right-name').textContent()).toBe('Outcry, two nodes, with history');

  const node = (await killOn(page, 'Kill a node', patienceMs)).right.join('\n');
  expect(node).toContain('10 of them are back, 10 with all that they had missed');
  expect(node).toMatch(/Nothing lost; p99/);
  const redis = (await killOn(page, 'Kill Redis', patienceMs)).right.join('\n');
  expect(redis).toMatch(
    /\d+ publications have waited, since the first was refused; their publisher sends them now/,
  );
  expect(redis).toMatch(/Redis runs again, empty/);
  // The channel is numbered anew, and what comes before a node has seen that is told as missed.
  expect(redis).toMatch(/(Nothing lost|missed by subscribers who know it; nothing lost without a word); /);
  expect(await countOf(page, 'right', 'lost')).toBe(0);
  expect(await race.interrupt()).toBe(130);
}, 120_000);
