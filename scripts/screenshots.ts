/**
 * Makes the pictures of the demo page, the race and the dashboard under `docs/images/` again: `npm run screenshots`, or with a name
 * (`room`, `race`, `dashboard`) those.
 *
 * For the demo page a real node, real browsers, and a conversation that is always the same, with times that are always the same.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { launchChromium } from '../test/support/chromium.ts';
import { startNode, type TestNode } from '../test/support/node.ts';
import { takeDashboardPictures } from './dashboard-pictures.ts';
import { takeRacePictures } from './race-pictures.ts';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const firstLineAt = new Date('2026-03-14T09:26:20').getTime();
const msBetweenLines = 14_000;
const me = 'Ada';
/** Who says what; what I say goes through the composer. A line without a name comes from somebody's console. */
const conversation: readonly [string | null, string][] = [
  ['Grace', 'Good morning! Is anybody else on this node?'],
  [me, 'I am. Two tabs, one room.'],
  [me, 'Whatever one of us sends, everyone hears, the sender too.'],
  ['Edsger', 'So my own line coming back is the proof that it was delivered?'],
  [me, 'Exactly. The round trip is up there beside the node’s name.'],
  ['Grace', 'And if my train goes into a tunnel?'],
  ['Grace', 'I would rather be told than wonder.'],
  [me, 'Then the page says so, comes back by itself, and marks the gap.'],
  [null, "Hello! I'm client"],
  ['Edsger', 'Somebody joined from a browser console. Welcome!'],
];

interface Picture {
  file: string;
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
  scale: number;
}

const pictures: readonly Picture[] = [
  { file: 'room-light.png', width: 1200, height: 760, colorScheme: 'light', scale: 1 },
  { file: 'room-dark-phone.png', width: 375, height: 772, colorScheme: 'dark', scale: 2 },
];

const wanted = process.argv.slice(2);
const wants = (name: string) => wanted.length === 0 || wanted.includes(name);

mkdirSync(folder, { recursive: true });
const browser = await launchChromium();
try {
  if (wants('room')) await takeRoomPictures();
  if (wants('race')) await takeRacePictures(browser, folder);
  if (wants('dashboard')) await takeDashboardPictures(browser, folder);
} finally {
  await browser.close();
}

async function takeRoomPictures(): Promise<void> {
  const node = await startNode(['--node-id', 'left']);
  try {
    for (const picture of pictures) await take(picture, browser, node);
  } finally {
    await node.stop();
  }
}

async function take(picture: Picture, browser: Browser, node: TestNode): Promise<void> {
  const { file, width, height, colorScheme, scale } = picture;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    deviceScaleFactor: scale,
    locale: 'en-GB',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.goto(node.pageUrl);
  await page.locator('body[data-node]').waitFor();
  await page.getByLabel('Name').fill(me);
  const others = await connect(node);
  for (const [index, [author, text]] of conversation.entries()) {
    await page.clock.setFixedTime(firstLineAt + index * msBetweenLines);
    if (author === me) await say(page, text);
    else others.send(author === null ? text : `${author}: ${text}`);
    await page.locator('#messages > .message').nth(index).waitFor();
  }
  await page.screenshot({ path: `${folder}${file}` });
  others.close();
  await context.close();
}

function connect(node: TestNode): Promise<WebSocket> {
  const socket = new WebSocket(`ws://localhost:${node.port}`);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}
