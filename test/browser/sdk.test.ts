/**
 * The SDK as pages load it: from a node, as a module, in a real browser.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { launchChromium } from '../support/chromium.ts';
import { startNode, type TestNode } from '../support/node.ts';

const packed = ['--namespaces', JSON.stringify({ packed: { compress: true } })];

let browser: Browser;
let port: number;
let node: TestNode;

beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  [browser, node] = await Promise.all([launchChromium(), startNode(['--port', String(port), ...packed])]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), node?.stop()]);
});

/** A page of the node in which `sdk` is the module, and `diary` a list that tests write into. */
async function aPage(): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(`http://localhost:${port}/health/live`);
  await page.evaluate(
    `import('/outcry.js').then((module) => Object.assign(window, { sdk: module, diary: [] }))`,
  );
  return page;
}

/** Waits until the page's diary has this entry. */
async function hasWritten(page: Page, entry: unknown): Promise<void> {
  await page.waitForFunction(
    `diary.some((each) => JSON.stringify(each) === ${JSON.stringify(JSON.stringify(entry))})`,
  );
}

function connect(page: Page, codec: string): Promise<unknown> {
  return page.evaluate(`(async () => {
    window.client = sdk.connect(location.origin, { codec: '${codec}', name: 'page/1.0' });
    client.on('connected', ({ again }) => diary.push(again ? 'connected again' : 'connected'));
    client.on('disconnected', ({ code }) => diary.push('disconnected ' + code));
    window.chat = client.subscribe('chat-${codec}');
    chat.on('publication', ({ data }) => diary.push(data instanceof Uint8Array ? [...data] : data));
    chat.on('gap', ({ reason }) => diary.push('gap: ' + reason));
    await chat.ready();
  })()`);
}

it.each(['json', 'msgpack'])('lets two pages hear each other, in %s', async (codec) => {
  const [ada, grace] = await Promise.all([aPage(), aPage()]);
  await Promise.all([connect(ada, codec), connect(grace, codec)]);
  expect(await ada.evaluate(`client.publish('chat-${codec}', { text: 'hi' })`)).toMatchObject({
    degraded: false,
  });
  await ada.evaluate(`client.publish('chat-${codec}', 'ü😀')`);
  await grace.evaluate(`client.publish('chat-${codec}', Uint8Array.of(0, 255))`);
  for (const page of [ada, grace]) {
    await hasWritten(page, [0, 255]);
    expect(await page.evaluate('diary')).toEqual(['connected', { text: 'hi' }, 'ü😀', [0, 255]]);
  }
  await ada.evaluate('client.close()');
  expect(await ada.evaluate('client.state')).toBe('closed');
});

it('lets a page loop over a channel', async () => {
  const page = await aPage();
  const loop = page.evaluate(`(async () => {
    const client = sdk.connect('/');
    const numbers = client.subscribe('numbers');
    await numbers.ready();
    for (let index = 0; index < 1000; index += 1) void client.publish('numbers', index);
    let sum = 0;
    for await (const { data, sequence } of numbers) {
      sum += data;
      if (sequence === 1000) break;
    }
    await client.close();
    return sum;
  })()`);
  expect(await loop).toBe(499_500);
});

it.each(['json', 'msgpack'])('reads compressed batches, in %s', async (codec) => {
  const page = await aPage();
  const extensions = await page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws'), 'outcry.v1.${codec}');
    socket.onopen = () => resolve(socket.extensions);
  })`);
  expect(extensions).toContain('permessage-deflate');
  const loop = page.evaluate(`(async () => {
    const client = sdk.connect('/', { codec: '${codec}' });
    const channel = client.subscribe('packed:${codec}');
    await channel.ready();
    const said = Array.from({ length: 300 }, (_, n) => ({ n, text: 'said again and again '.repeat(n) }));
    for (const each of said) void client.publish('packed:${codec}', each);
    const heard = [];
    for await (const { data } of channel) if (heard.push(data) === said.length) break;
    await client.close();
    return JSON.stringify(heard) === JSON.stringify(said);
  })()`);
  expect(await loop).toBe(true);
});

it('comes back when its node does, and says what may be missing', async () => {
  const page = await aPage();
  await connect(page, 'json');
  await node.kill();
  await hasWritten(page, 'disconnected 1006');
  node = await startNode(['--port', String(port)]);
  await hasWritten(page, 'connected again');
  await hasWritten(page, 'gap: reconnect');
  await page.evaluate(`client.publish('chat-json', 'still here')`);
  await hasWritten(page, 'still here');
});

it('survives that the page goes offline and online, and notices it', async () => {
  const page = await aPage();
  await connect(page, 'json');
  // Chromium leaves open WebSockets as they are; the events are what the page sees.
  await page.context().setOffline(true);
  await page.waitForFunction('!navigator.onLine');
  expect(await page.evaluate('client.state')).toBe('connected');
  await page.context().setOffline(false);
  await page.waitForFunction('navigator.onLine');
  expect(await page.evaluate(`client.publish('chat-json', 'online')`)).toMatchObject({ degraded: false });
});
