/**
 * The whole way of the lab is seen red: real nodes, the SDK, and somebody in between who falsifies what a node says.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { HealthWatch } from './lab/health-watch.ts';
import { Ledger, type LedgerReport } from './lab/ledger.ts';
import { Listener } from './lab/listener.ts';
import { type LabMessage, opened } from './lab/message.ts';
import { Speaker } from './lab/speaker.ts';
import { type Tampering, TamperingProxy } from './lab/tampering-proxy.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode();
});
afterAll(async () => void (await node.stop()));

const messages = 200;

/** What the ledger finds when 200 messages have gone through such a proxy. */
async function heardThrough(tampering: Tampering): Promise<LedgerReport> {
  const proxy = await TamperingProxy.start(node.url, tampering);
  onTestFinished(() => proxy.stop());
  const ledger = new Ledger();
  const channels = [`tampered ${tampering.kind} ${tampering.every}`];
  const listener = new Listener({ url: proxy.url, channels, ledger });
  const speaker = new Speaker({ name: 'speaker', url: node.url, channels, ledger, messagesPerSecond: 0 });
  onTestFinished(async () => void (await Promise.all([listener.close(), speaker.close()])));
  await Promise.all([listener.ready(), speaker.client.ready()]);
  const last = new Promise<void>((resolve) => {
    listener.client.subscribe(channels[0] as string).on('publication', ({ data }) => {
      if ((opened(data) as LabMessage | null)?.number === messages) resolve();
    });
  });
  for (let index = 0; index < messages; index += 1) await speaker.say();
  await last;
  return ledger.report(performance.now());
}

const clean = { lost: 0, silent: 0, duplicated: 0, reordered: 0, corrupted: 0, phantom: 0, gaps: 0 };

it.each<[Tampering['kind'], Partial<LedgerReport>]>([
  ['drop', { lost: 1, silent: 1 }],
  ['duplicate', { duplicated: 1 }],
  ['swap', { reordered: 1 }],
  ['damage', { lost: 1, silent: 1, corrupted: 1 }],
  ['invent', { phantom: 1 }],
])('a proxy that does this once is found out: %s', async (kind, found) => {
  expect(await heardThrough({ kind, every: 150 })).toMatchObject({ ...clean, ...found });
});

it('a proxy that does nothing is not blamed', async () => {
  expect(await heardThrough({ kind: 'drop', every: 1_000 })).toMatchObject(clean);
});

it.each([true, false])('a gap that a proxy keeps from the client (%s) makes a loss silent', async (muted) => {
  const redis = await TestRedis.start();
  onTestFinished(() => redis.kill());
  const nodes = await Promise.all(
    ['left', 'right'].map((id) => startNode(['--redis', redis.url, '--node-id', id])),
  );
  onTestFinished(async () => void (await Promise.all(nodes.map((each) => each.stop()))));
  const [left, right] = nodes as [TestNode, TestNode];
  const ready = () =>
    Promise.all(
      nodes.map((each) =>
        until(
          () => each.ready(),
          (status) => status === 200,
        ),
      ),
    );
  await ready();
  const proxy = await TamperingProxy.start(right.url, { kind: 'mute', every: muted ? 1 : 1_000 });
  onTestFinished(() => proxy.stop());
  const ledger = new Ledger();
  const listener = new Listener({ url: proxy.url, channels: ['chat'], ledger });
  const speaker = new Speaker({
    name: 'speaker',
    url: left.url,
    channels: ['chat'],
    ledger,
    messagesPerSecond: 0,
  });
  onTestFinished(async () => void (await Promise.all([listener.close(), speaker.close()])));
  await Promise.all([listener.ready(), speaker.client.ready()]);
  await speaker.say();
  await redis.kill();
  await until(
    () => left.ready(),
    (status) => status === 503,
  );
  expect(await speaker.say()).toBe('degraded');
  await redis.start();
  await ready();
  await speaker.say();
  await until(
    () => ledger.report(performance.now()),
    ({ heard }) => heard === 2,
  );
  expect(ledger.report(performance.now())).toMatchObject({
    lost: 1,
    silent: muted ? 1 : 0,
    toldEarly: 0,
    toldLate: 0,
  });
});

it('a node that calls itself ready whatever happens is seen to be green, and one that stops answering to be red', async () => {
  let answers = true;
  const liar = createServer((_request, response) => {
    if (answers) response.end('{"status":"ready"}');
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  const watch = new HealthWatch((liar.address() as AddressInfo).port);
  onTestFinished(async () => {
    await watch.stop();
    liar.closeAllConnections();
    liar.close();
  });
  await until(
    () => watch.light,
    (light) => light === 'green',
  );
  const since = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 300)); // It is watched for a while.
  expect(watch.msUntil('red', since)).toBeNull();
  expect(watch.greenMs(since, performance.now())).toBeGreaterThan(250);
  answers = false;
  await until(
    () => watch.light,
    (light) => light === 'red',
  );
  expect(watch.msUntil('red', since)).toBeGreaterThan(1_000);
});
