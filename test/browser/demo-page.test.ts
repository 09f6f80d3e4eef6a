/**
 * The demo page in a real browser, against real nodes. Whatever the page logs as an error or its policy forbids fails
 * the test in which it happens.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { launchChromium } from '../support/chromium.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { heard, named, say, transcript } from '../support/room-page.ts';

/** Runs in every page, before its own scripts. */
const reportPolicyViolations = `document.addEventListener('securitypolicyviolation', (event) => {
  console.error('policy violation: ' + event.violatedDirective + ' ' + event.blockedURI);
})`;

let browser: Browser;
let node: TestNode;
let context: BrowserContext;
/** Errors in any page of the test. */
let errors: string[];

beforeAll(async () => {
  [browser, node] = await Promise.all([launchChromium(), startNode(['--node-id', 'left'])]);
});

afterAll(async () => {
  await Promise.all([browser?.close(), node?.stop()]);
});

beforeEach(async () => {
  errors = [];
  context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
  await context.addInitScript({ content: reportPolicyViolations });
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  context.on('weberror', (webError) => errors.push(String(webError.error())));
});

afterEach(async () => {
  await context.close();
  expect(errors).toEqual([]);
});

describe('the demo page', () => {
  it('lets everyone in a room hear everyone once and in order, the sender too, and nobody elsewhere', async () => {
    const room = aRoom();
    const [ada, grace, elsewhere] = await Promise.all([join(room), join(room), join(aRoom())]);
    await named(ada, 'Ada');
    await named(grace, 'Grace');

    const said = ['one', 'two', 'three'].flatMap((word) => [`Ada: ${word}`, `Grace: ${word}`]);
    for (const [index, line] of said.entries()) {
      await say(index % 2 === 0 ? ada : grace, line.slice(line.indexOf(' ') + 1));
      await Promise.all([heard(ada, index + 1), heard(grace, index + 1)]);
    }

    expect(await transcript(ada)).toEqual(said);
    expect(await transcript(grace)).toEqual(said);
    // What is said elsewhere comes after whatever could have leaked into it.
    await named(elsewhere, 'Edsger');
    await say(elsewhere, 'alone');
    await heard(elsewhere, 1);
    expect(await transcript(elsewhere)).toEqual(['Edsger: alone']);
  });

  it('shows the node, the round trip, and which messages are its own', async () => {
    const page = await join(aRoom());
    expect(await page.locator('#node').textContent()).toBe('left');
    await say(page, 'mine');
    await heard(page, 1);

    expect(await page.locator('.message[data-own]').count()).toBe(1);
    expect(Number(await page.locator('#round-trip').getAttribute('data-ms'))).toBeGreaterThan(0);
    expect(await page.locator('#round-trip').textContent()).toMatch(/^\d+(\.\d)? ms$/);
    expect(await page.locator('#pending .message').count()).toBe(0);
  });

  it('keeps the room in the URL and the name in the browser', async () => {
    const room = `a/b? ${aRoom()} ü`;
    const page = await join('livechat');
    await named(page, 'Ada');
    await page.getByLabel('Room').fill(room);
    await page.keyboard.press('Enter');
    await page.locator(`body[data-room="${room}"][data-node]`).waitFor();
    const visitor = await context.newPage();
    await visitor.goto(page.url());
    await visitor.locator('body[data-node]').waitFor();
    await say(visitor, 'here too');
    await heard(page, 1);

    expect(await transcript(page)).toEqual(['Ada: here too']);
    await page.goBack();
    await page.locator('body[data-room="livechat"][data-node]').waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('shows markup from others as text, and runs none of it', async () => {
    const room = aRoom();
    const page = await join(room);
    const markup = [
      '<img src=x onerror="document.title = \'ran\'">',
      '<script>document.title = "ran"</script>',
      '<b>Mallory</b>: <a href="javascript:alert(1)">click</a>',
    ];
    const stranger = await connect(room);
    for (const text of markup) stranger.send(text);
    await heard(page, markup.length);

    expect(await transcript(page)).toEqual([
      `anonymous guest: ${markup[0]}`,
      `anonymous guest: ${markup[1]}`,
      markup[2],
    ]);
    expect(await page.locator('#messages').locator('img, script, b, a').count()).toBe(0);
    expect(await page.title()).toBe(`${room} · Outcry`);
  });

  it('is heard by three lines in the console of another page, and hears them', async () => {
    const [ada, grace] = await Promise.all([join('livechat'), join('livechat')]);
    const other = await context.newPage();
    const logged = other.waitForEvent('console');
    await runInConsole(
      other,
      `ws = new WebSocket("ws://localhost:${node.port}"); ws.onmessage = m => console.log(m.data); ` +
        `ws.onopen = () => ws.send("Hello! I'm client")`,
    );

    expect((await logged).text()).toBe("Hello! I'm client");
    await Promise.all([heard(ada, 1), heard(grace, 1)]);
    expect(await transcript(ada)).toEqual(["anonymous guest: Hello! I'm client"]);
    expect(await transcript(grace)).toEqual(["anonymous guest: Hello! I'm client"]);

    await named(ada, 'Ada');
    const answer = other.waitForEvent('console');
    await say(ada, 'hello console');
    expect((await answer).text()).toBe('Ada: hello console');
  });

  it('offers a snippet that joins its own room from a console', async () => {
    const page = await join(aRoom());
    await page.getByText('Try it from a console').click();
    const snippet = await page.locator('#snippet').textContent();
    await runInConsole(await context.newPage(), snippet ?? '');
    await heard(page, 1);
    expect(await transcript(page)).toEqual(["anonymous guest: Hello! I'm client"]);
  });

  it('tells how long a binary message is', async () => {
    const room = aRoom();
    const page = await join(room);
    (await connect(room)).send(Buffer.alloc(12));
    await heard(page, 1);
    expect(await transcript(page)).toEqual(['anonymous guest: binary, 12 bytes']);
  });

  it('keeps 500 messages of a burst of 10,000, and says how many it left out', async () => {
    const room = aRoom();
    const page = await join(room);
    const stranger = await connect(room);
    for (let index = 1; index <= 10_000; index += 1) stranger.send(`Burst: ${index}`);
    await page.getByText('10000', { exact: true }).waitFor();

    const lines = await transcript(page);
    expect(lines).toHaveLength(500);
    expect(lines[0]).toBe('Burst: 9501');
    expect(await page.locator('#earlier').textContent()).toBe(
      '9,500 earlier messages are not shown any more.',
    );
    expect(await page.locator('#newest').isHidden()).toBe(true);
  });

  it('stays where somebody reads who scrolled up, and offers the new messages', async () => {
    const room = aRoom();
    const page = await join(room);
    const stranger = await connect(room);
    for (let index = 1; index <= 100; index += 1) stranger.send(`Grace: ${index}`);
    await heard(page, 100);
    await page.locator('#scroller').focus();
    await page.keyboard.press('Home');
    await expect.poll(() => scrollTop(page)).toBe(0);
    stranger.send('Grace: below');
    await heard(page, 101);

    expect(await scrollTop(page)).toBe(0);
    await page.getByRole('button', { name: 'One new message' }).click();
    await page.locator('#newest').waitFor({ state: 'hidden' });
    expect(await distanceToEnd(page)).toBeLessThan(2);
    stranger.send('Grace: still below');
    await heard(page, 102);
    expect(await distanceToEnd(page)).toBeLessThan(2);
  });

  it('fits a phone: nothing sticks out sideways, and the composer is at the bottom', async () => {
    const room = aRoom();
    const page = await join(room);
    await page.setViewportSize({ width: 375, height: 667 });
    const stranger = await connect(room);
    stranger.send(`${'N'.repeat(32)}: ${'unbroken'.repeat(50)}`);
    stranger.send('x'.repeat(400));
    await heard(page, 2);
    await page.getByText('Try it from a console').click();

    for (const selector of ['html', '#scroller'])
      expect(await page.locator(selector).evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(
        375,
      );
    const foot = await page.locator('.foot').boundingBox();
    expect((foot?.y ?? 0) + (foot?.height ?? 0)).toBe(667);
  });
});

describe('the demo page when its node goes away', () => {
  it('says that the node is stopping, comes back when one is there, and says what may be missing', async () => {
    const port = await aPort();
    const first = await startNode(['--node-id', 'first', '--port', port]);
    onTestFinished(async () => void (await first.kill()));
    const page = await join(aRoom(), first);
    await first.stop();
    await page.locator('body[data-state="waiting"]').waitFor();
    await page.getByText('The node is stopping. What is said from here on').waitFor();
    expect(await page.locator('#notice').isVisible()).toBe(true);

    await page.getByLabel('Message', { exact: true }).fill('kept');
    await page.keyboard.press('Enter');
    await page.getByText('Not connected: your text stays here').waitFor();
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe('kept');

    const second = await startNode(['--node-id', 'second', '--port', port]);
    onTestFinished(async () => void (await second.kill()));
    await page.locator('body[data-node="second"]').waitFor();
    await page
      .getByText(/Connected again after \d+ s\. Messages from the time between may be missing\./)
      .waitFor();
    expect(await page.locator('#notice').isVisible()).toBe(false);
    await page.keyboard.press('Enter');
    await heard(page, 1);
    expect(await transcript(page)).toEqual([expect.stringMatching(/^Guest \d+: kept$/)]);
    forgiveFailedAttempts();
  });

  it('marks what it never heard back as perhaps not delivered, and does not send it again', async () => {
    const port = await aPort();
    const first = await startNode(['--port', port]);
    onTestFinished(async () => void (await first.kill()));
    const page = await join(aRoom(), first);
    await named(page, 'Ada');
    first.freeze();
    await say(page, 'anybody?');
    await page.locator('#pending').getByText('anybody?').waitFor();
    expect(await transcript(page)).toEqual([]);

    await first.kill();
    await page.getByText('The connection was lost.', { exact: false }).first().waitFor();
    const lost = page.locator('.message.undelivered');
    await lost.getByText('perhaps not delivered').waitFor();
    expect(await lost.locator('.words').textContent()).toBe('anybody?');
    expect(await page.locator('#pending .message').count()).toBe(0);

    const second = await startNode(['--port', port]);
    onTestFinished(async () => void (await second.kill()));
    await page.locator('body[data-node]').waitFor();
    await say(page, 'after');
    await heard(page, 2);
    expect(await transcript(page)).toEqual(['Ada: anybody?', 'Ada: after']);
    forgiveFailedAttempts();
  });
});

/** A room that no other test is in. */
function aRoom(): string {
  return `room-${crypto.randomUUID()}`;
}

/**
 * For a node that is followed by another on the same port. It has to ask for the port by its number: what uWebSockets.js
 * binds as port 0 lacks SO_REUSEADDR, so its dying connections keep the port for a minute.
 */
async function aPort(): Promise<string> {
  const [port] = await freePorts(1);
  return String(port);
}

async function join(room: string, where: TestNode = node): Promise<Page> {
  const page = await context.newPage();
  await page.goto(room === 'livechat' ? where.pageUrl : `${where.pageUrl}/?room=${encodeURIComponent(room)}`);
  await page.locator('body[data-node]').waitFor();
  return page;
}

/** Somebody in the room who is no page. */
async function connect(room: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://localhost:${node.port}/raw/${encodeURIComponent(room)}`);
  onTestFinished(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

async function scrollTop(page: Page): Promise<number> {
  return page.locator('#scroller').evaluate((element) => element.scrollTop);
}

async function distanceToEnd(page: Page): Promise<number> {
  return page
    .locator('#scroller')
    .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
}

/** What the console of the developer tools does with a line. */
async function runInConsole(page: Page, expression: string): Promise<void> {
  const session = await context.newCDPSession(page);
  const { exceptionDetails } = await session.send('Runtime.evaluate', { expression, replMode: true });
  expect(exceptionDetails).toBeUndefined();
}

/** The browser itself logs each attempt to connect that fails; those are what the test is about. */
function forgiveFailedAttempts(): void {
  errors = errors.filter((error) => !error.startsWith('WebSocket connection to '));
}
