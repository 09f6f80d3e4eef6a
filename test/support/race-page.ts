/**
 * The page of a race, as a visitor uses it.
 */
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

export function figureOf(page: Page, side: string, name: string): Locator {
  return page.locator(`[data-side=${side}] [data-show=${name}]`);
}

export async function countOf(page: Page, side: string, name: string): Promise<number> {
  return Number((await figureOf(page, side, name).textContent())?.replaceAll(',', ''));
}

/** Presses a button that kills, by keyboard, and waits until both sides have their story. */
export async function killOn(
  page: Page,
  name: string,
  patienceMs: number,
): Promise<Record<'left' | 'right', string[]>> {
  const button = page.getByRole('button', { name });
  await expect.poll(() => button.isEnabled(), { timeout: patienceMs }).toBe(true);
  await button.press('Enter');
  await expect.poll(() => button.isDisabled()).toBe(true);
  await expect.poll(() => button.isEnabled(), { timeout: patienceMs }).toBe(true);
  return {
    left: await figureOf(page, 'left', 'story').locator('li').allInnerTexts(),
    right: await figureOf(page, 'right', 'story').locator('li').allInnerTexts(),
  };
}
