/**
 * What a visitor does on the demo page, and what is to be seen there.
 */
import type { Page } from 'playwright-core';

export async function named(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.keyboard.press('Enter');
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

/** Waits until so many messages stand in the log. */
export async function heard(page: Page, messages: number): Promise<void> {
  await page
    .locator('#messages > .message')
    .nth(messages - 1)
    .waitFor();
}

/** All messages in the log, as `author: words`. */
export async function transcript(page: Page): Promise<string[]> {
  return page
    .locator('#messages > .message')
    .evaluateAll((elements) =>
      elements.map((element) =>
        ['.author', '.words'].map((part) => element.querySelector(part)?.textContent).join(': '),
      ),
    );
}
