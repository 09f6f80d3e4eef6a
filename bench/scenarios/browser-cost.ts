/**
 * `browser-cost`: what it costs the main thread of a page to take publications, with the SDK and without.
 *
 * A publisher sends JSON of about 100 bytes at a fixed rate; the page reads one field of each. "Cost" is the time in which the
 * main thread was busy (Chromium's TaskDuration), less what an idle page needs in the same time. The ways to listen take
 * turns, and the bare one runs twice in each round: what the two are apart is the spread.
 */
import type { Browser, CDPSession, Page } from 'playwright-core';
import { launchChromium } from '../../test/support/chromium.ts';
import { median } from '../report/median.ts';
import type { Reporter } from '../report/reporter.ts';
import { outcry } from '../systems/outcry.ts';
import type { Running } from '../systems/running.ts';

const channel = 'bench';
/** Publications are sent in so many portions a second; each portion reaches the node as one burst. */
const portionsPerSecond = 100;
const giveUpAfterMs = 30_000;

export interface BrowserCostOptions {
  publications: number;
  rate: number;
  rounds: number;
}

/** A way to listen, as the source of a function of the page that calls `take(bid)` for each publication. */
interface Way {
  name: string;
  listen: string;
}

const byHand = (url: string, protocols: string, each: string) => `async () => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '${url}', ${protocols});
  socket.onmessage = ({ data }) => { ${each} };
  await new Promise((resolve) => { socket.onopen = resolve; });
  return socket;
}`;

const sdk = (codec: string) => `async () => {
  const { connect } = await import('/outcry.js');
  const subscription = connect('/', { codec: '${codec}' }).subscribe('${channel}');
  subscription.on('publication', ({ data }) => take(data.bid));
  await subscription.ready();
}`;

const bare: Way = {
  name: 'WebSocket, raw room, JSON.parse',
  listen: byHand(`/raw/${channel}`, '[]', 'take(JSON.parse(data).bid);'),
};

const ways: readonly Way[] = [
  bare,
  {
    name: 'WebSocket, batches by hand',
    listen: `async () => {
      const socket = await (${byHand('', "'outcry.v1.json'", 'for (const { json } of JSON.parse(data).publications ?? []) take(json.bid);')})();
      socket.send('{"type":"connect","id":1,"version":1}');
      socket.send('{"type":"subscribe","id":2,"channels":["${channel}"]}');
    }`,
  },
  { name: 'SDK, json', listen: sdk('json') },
  { name: 'SDK, msgpack', listen: sdk('msgpack') },
  { ...bare, name: `${bare.name} (again)` },
];

export async function browserCost(
  { publications, rate, rounds }: BrowserCostOptions,
  running: Running,
  reporter: Reporter,
): Promise<void> {
  const node = await outcry('outcry-bun', 'outcry-bun', { runtime: 'bun', codec: 'raw' }).start({ running });
  const [target] = node.subscribeTo;
  if (target === undefined) throw new Error('a node has an address');
  const { host, port } = target;
  const browser = await launchChromium();
  running.add({ stop: () => browser.close() });
  const publisher = await Publisher.connect(`ws://${host}:${port}`);
  const seconds = publications / rate;

  const costs = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const { name, listen } of round % 2 === 0 ? ways : ways.toReversed()) {
      reporter.progress(`browser-cost: round ${round + 1} of ${rounds}, ${name}`);
      const page = await MeasuredPage.open(browser, `http://localhost:${port}`);
      await page.listen(listen);
      const idleMs = await page.busyMs(() => new Promise((resolve) => setTimeout(resolve, seconds * 1_000)));
      const busyMs = await page.busyMs(async () => {
        await publisher.publish(publications, rate);
        await page.hasTaken(publications);
      });
      await page.close();
      const costMs = ((busyMs - idleMs) * 10_000) / publications;
      reporter.raw({ scenario: 'browser-cost', round, way: name, idleMs, busyMs, publications });
      costs.get(name)?.push(costMs);
    }
  publisher.close();

  const bareMs = median(costs.get(bare.name) ?? []);
  for (const { name } of ways) {
    const costMs = median(costs.get(name) ?? []);
    reporter.row(`main thread, ${rate.toLocaleString('en')} publications/s`, {
      listening: name,
      'ms per 10,000': costMs.toFixed(0),
      'of bare': (costMs / bareMs).toFixed(2),
    });
  }
}

class MeasuredPage {
  readonly #page: Page;
  readonly #session: CDPSession;

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
  }

  /** An empty page of that origin. */
  static async open(browser: Browser, origin: string): Promise<MeasuredPage> {
    const page = await browser.newPage();
    await page.goto(`${origin}/health/live`);
    await page.evaluate(
      'window.taken = 0; window.sum = 0; window.take = (bid) => { taken += 1; sum += bid; }',
    );
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    return new MeasuredPage(page, session);
  }

  async listen(source: string): Promise<void> {
    await this.#page.evaluate(`(${source})().then(() => {})`);
  }

  /** Milliseconds in which the main thread was busy while this ran. */
  async busyMs(run: () => Promise<unknown>): Promise<number> {
    const before = await this.#taskSeconds();
    await run();
    return ((await this.#taskSeconds()) - before) * 1_000;
  }

  /** @throws Error if so many do not come, or more */
  async hasTaken(publications: number): Promise<void> {
    const giveUpAt = performance.now() + giveUpAfterMs;
    for (;;) {
      const taken = (await this.#page.evaluate('taken')) as number;
      if (taken === publications) return;
      if (taken > publications || performance.now() > giveUpAt)
        throw new Error(`the page took ${taken} of ${publications} publications`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  close(): Promise<void> {
    return this.#page.close();
  }

  async #taskSeconds(): Promise<number> {
    const { metrics } = await this.#session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
  }
}

class Publisher {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async connect(url: string): Promise<Publisher> {
    const socket = new WebSocket(url, 'outcry.v1.json');
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`cannot connect to ${url}`));
    });
    socket.send('{"type":"connect","id":1,"version":1}');
    return new Publisher(socket);
  }

  /** Sends so many at an even rate. */
  async publish(publications: number, rate: number): Promise<void> {
    const startedAt = performance.now();
    const perPortion = Math.ceil(rate / portionsPerSecond);
    for (let sent = 0; sent < publications; ) {
      const portion = Math.min(perPortion, publications - sent);
      for (let index = 0; index < portion; index += 1) this.#socket.send(command(sent + index));
      sent += portion;
      const waitMs = startedAt + (sent / rate) * 1_000 - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function command(number: number): string {
  const quote = {
    symbol: 'EURUSD',
    bid: 1.0812,
    ask: 1.0813,
    number,
    venue: 'example',
    currency: 'USD',
    depth: [5, 8],
  };
  return JSON.stringify({ type: 'publish', channel, json: quote });
}
