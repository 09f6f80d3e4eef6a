/**
 * Pictures of the race, of a real one: its figures are those of the machine on which they are taken.
 */
import type { Browser, Page } from 'playwright-core';
import { rateAt } from '../bench/race/page/rate-scale.js';
import { startRace } from '../test/support/race.ts';

const pictures = [
  { file: 'race-light.png', width: 1200, height: 860, colorScheme: 'light', scale: 1 },
  { file: 'race-dark-phone.png', width: 375, height: 1240, colorScheme: 'dark', scale: 2 },
] as const;

/** Where the slider goes, and how long it stays there. */
const stations = [
  { position: '0', seconds: 12 },
  { position: '480', seconds: 12 },
  { position: '780', seconds: 16 },
];
/** Where it is at the end. */
const lastPosition = '320';
const patienceMs = 90_000;

/** @param folder ends in a slash */
export async function takeRacePictures(browser: Browser, folder: string): Promise<void> {
  const race = await startRace();
  try {
    const pages = await Promise.all(
      pictures.map(async ({ width, height, colorScheme, scale }) => {
        const viewport = { width, height };
        const page = await browser.newPage({ viewport, colorScheme, deviceScaleFactor: scale });
        page.setDefaultTimeout(patienceMs);
        await page.goto(race.url);
        return page;
      }),
    );
    await drive(pages[0] as Page);
    for (const [index, { file }] of pictures.entries())
      await pages[index]?.screenshot({ path: `${folder}${file}` });
    await Promise.all(pages.map((page) => page.close()));
  } finally {
    await race.interrupt();
  }
}

/** A slow start, a busy middle, a reader that is paused, and a Redis that is killed. */
async function drive(page: Page): Promise<void> {
  await page.locator('#rate:enabled').waitFor();
  for (const { position, seconds } of stations) {
    await page.locator('#rate').fill(position);
    await page.waitForTimeout(seconds * 1_000);
  }
  await page.getByRole('button', { name: 'Pause a reader' }).click();
  await page.locator('[data-side=right] [data-show=reader]:not(:empty)').waitFor();
  // The figures beside the story are those of a rate that the machine can do.
  await page.locator('#rate').fill(lastPosition);
  const rate = rateAt(Number(lastPosition));
  for (const side of ['left', 'right'])
    await page.locator(`[data-side=${side}][data-rate="${rate}"]`).waitFor();
  await page.locator('#kill-redis:enabled').click();
  for (const side of ['left', 'right'])
    await page.locator(`[data-side=${side}] [data-show=story] li`).last().waitFor();
  await page.locator('#kill-redis:enabled').waitFor();
  await page.locator('body[data-phase=right]').waitFor();
}
