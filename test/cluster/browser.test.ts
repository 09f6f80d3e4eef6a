/**
 * The demo as it is told: browsers on different nodes behind HAProxy, and three lines in their consoles.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { TestCluster } from '../support/cluster.ts';

describe.each([
  ['HTTP mode', []],
  ['TCP mode', ['--l4']],
])('browsers behind HAProxy in %s', (_mode, flags) => {
  let browser: Browser;
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = new TestCluster(['--nodes', '3', ...flags]);
    [browser] = await Promise.all([launchChromium(), cluster.ready()]);
  });
  afterAll(async () => {
    await browser?.close();
    expect(await cluster.stop()).toBe(0);
    expect(cluster.leftProcesses()).toEqual([]);
  });

  /**
   * Types into the console of an empty page: connects, keeps what comes in `heard`, and returns the node. The demo page
   * would have a connection of its own.
   */
  async function connect(page: Page, url: string): Promise<string> {
    return await page.evaluate(
      `new Promise((resolve, reject) => {
        window.heard = [];
        window.ws = new WebSocket("${url}/?hello=1");
        ws.onerror = reject;
        ws.onmessage = (hello) => {
          ws.onmessage = (message) => heard.push(message.data);
          resolve(JSON.parse(hello.data).node);
        };
      })`,
    );
  }

  it('hear exactly what each of them sends, the sender too', async () => {
    const [url = ''] = cluster.part('haproxy').addresses;
    const pages = await Promise.all([1, 2, 3].map(() => browser.newPage()));
    const nodes: string[] = [];
    for (const page of pages) nodes.push(await connect(page, url));
    expect(nodes.sort()).toEqual(['node-1', 'node-2', 'node-3']);

    for (const [index, page] of pages.entries()) {
      const text = `Hello! I'm client ${index}`;
      await page.evaluate(`ws.send(${JSON.stringify(text)})`);
      for (const each of pages) await each.waitForFunction(`heard.length > ${index}`);
    }
    for (const page of pages)
      expect(await page.evaluate('heard')).toEqual([0, 1, 2].map((index) => `Hello! I'm client ${index}`));
  });
});
