/**
 * The feed of the dashboard over the wire: all nodes on one, for those who may, and nothing at all for nobody.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../src/status-report.ts';
import { post } from '../support/api.ts';
import { TestClient } from '../support/client.ts';
import { NativeClient } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const key = 'correct horse battery';
const channel = '$outcry:status';
const notPermitted = 111;

let redis: TestRedis;
let left: TestNode;
let right: TestNode;
beforeAll(async () => {
  redis = await TestRedis.start();
  const join = ['--redis', redis.url, '--node-id'];
  [left, right] = await Promise.all([
    startNode([...join, 'left']),
    startNode([...join, 'right', '--admin-key', key]),
  ]);
  await left.untilReady(200);
  await right.untilReady(200);
  await left.untilMetric('outcry_cluster_nodes', 2);
});
afterAll(async () => {
  await Promise.all([left?.stop(), right?.stop()]);
  await redis?.kill();
});

const feedOf = (node: TestNode) => `ws://127.0.0.1:${node.adminPort}/dashboard/feed`;

/** Somebody who watches. */
async function watch(node: TestNode, headers: Record<string, string> = {}): Promise<NativeClient> {
  const viewer = await NativeClient.connect(feedOf(node), 'outcry.v1.json', { headers });
  viewer.say({ type: 'subscribe', id: 1, channels: [channel] });
  expect(await viewer.hear()).toMatchObject({ type: 'subscribed', channels: [{ channel }] });
  return viewer;
}

/** The next report that is as it should be. */
async function report(viewer: NativeClient, fits: (report: StatusReport) => boolean): Promise<StatusReport> {
  for (;;) {
    const batch = (await viewer.hear()) as { publications?: { json: StatusReport }[] };
    const found = batch.publications?.map(({ json }) => json).find(fits);
    if (found !== undefined) return found;
  }
}

const reports = 'outcry_dashboard_reports_total';

describe('whoever watches one node', () => {
  it('hears of all of them, and of what is said on each', async () => {
    const listener = await NativeClient.connect(left.url, 'outcry.v1.json');
    listener.say({ type: 'subscribe', id: 1, channels: ['chat'] });
    await listener.hear();
    expect(await left.metric(reports)).toBe(0);

    const viewer = await watch(right, { authorization: `Bearer ${key}` });
    for (const name of ['left', 'right'])
      expect(await report(viewer, ({ node }) => node === name)).toMatchObject({
        state: 'ready',
        bridge: true,
      });
    for (let i = 0; i < 5; i += 1) await post(left, 'publish', { channel: 'chat', json: i });
    const busy = await report(viewer, ({ busiest }) => busiest.channels.length > 0);
    expect(busy).toMatchObject({ node: 'left', gauges: { connections: 1, viewers: 0 } });
    expect(busy.busiest.channels).toContainEqual({
      channel: 'chat',
      publications: expect.any(Number),
      subscribers: 1,
    });
    const written = await report(viewer, ({ publishToWrite }) =>
      publishToWrite.counts.some((count) => count > 0),
    );
    expect(written.node).toBe('left');
    // Who watches is no client.
    expect(await report(viewer, ({ node }) => node === 'right')).toMatchObject({
      gauges: { connections: 0, viewers: 1 },
    });

    void viewer.client.close();
    void listener.client.close();
    // With the next beat that says that nobody watches any more.
    await until(
      async () => {
        const before = await left.metric(reports);
        await new Promise((resolve) => setTimeout(resolve, 1_500)); // Longer than from one report to the next.
        return (await left.metric(reports)) - before;
      },
      (more) => more === 0,
      { what: 'silence' },
    );
  });

  it('hears the end of a node that stops', async () => {
    const doomed = await startNode([
      '--redis',
      redis.url,
      '--node-id',
      'doomed',
      '--drain-window-ms',
      '1500',
    ]);
    const client = await TestClient.open(doomed.url);
    const viewer = await watch(doomed);
    await report(viewer, ({ node }) => node === 'doomed');
    doomed.signal('SIGTERM');
    await report(viewer, ({ node, state }) => node === 'doomed' && state === 'stopping');
    await report(viewer, ({ gauges, state }) => state === 'stopping' && gauges.connections === 0);
    expect((await client.closed).code).toBe(1001);
    expect((await viewer.client.closed).code).toBe(1001);
    expect(await doomed.exited).toBe(0);
  });
});

describe('whoever may not watch', () => {
  it.each([
    ['nothing', {}],
    ['a wrong key', { authorization: 'Bearer wrong' }],
    ['a pass that nobody signed', { cookie: `outcry_dashboard=9999999999.${'0'.repeat(64)}` }],
  ])('is refused with %s where there is a key', async (_, headers) => {
    await expect(watch(right, headers)).rejects.toThrow('401');
  });

  it('is refused from a page of another origin, and as another host', async () => {
    await expect(watch(left, { origin: 'https://evil.example' })).rejects.toThrow('403');
    await expect(watch(left, { host: 'evil.example', origin: 'http://evil.example' })).rejects.toThrow('403');
  });

  it('may with the key, or with the pass that is given for it', async () => {
    const session = `http://127.0.0.1:${right.adminPort}/dashboard/session`;
    const authorization = `Bearer ${key}`;
    const { status, headers } = await fetch(session, { method: 'POST', headers: { authorization } });
    expect(status).toBe(204);
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
    for (const given of [{ authorization }, { cookie }]) {
      const viewer = await watch(right, given);
      expect(await report(viewer, ({ node }) => node === 'left')).toMatchObject({ state: 'ready' });
      void viewer.client.close();
    }
  });

  it('finds nothing on the public listener', async () => {
    await expect(TestClient.open(`${left.url}/raw/${encodeURIComponent(channel)}`)).rejects.toThrow('403');
    expect((await fetch(`${left.pageUrl}/dashboard`)).status).toBe(404);
    const client = await NativeClient.connect(left.url, 'outcry.v1.json');
    client.say(
      { type: 'subscribe', id: 1, channels: [channel] },
      { type: 'publish', id: 2, channel, json: {} },
    );
    expect(await client.hear()).toMatchObject({
      type: 'subscribed',
      channels: [],
      refused: [{ code: notPermitted }],
    });
    expect(await client.hear()).toMatchObject({ type: 'error', id: 2, code: notPermitted });
    void client.client.close();
  });

  it('cannot speak for a node through the API', async () => {
    expect(await post(left, 'publish', { channel, json: {} })).toMatchObject({ status: 403 });
  });

  it('hears nothing else from where the dashboard listens', async () => {
    const viewer = await NativeClient.connect(feedOf(left), 'outcry.v1.msgpack');
    void viewer.client.close();
    const json = await NativeClient.connect(feedOf(left), 'outcry.v1.json');
    json.say(
      { type: 'subscribe', id: 1, channels: ['chat'] },
      { type: 'publish', id: 2, channel: 'chat', json: 1 },
    );
    expect(await json.hear()).toMatchObject({
      channels: [],
      refused: [{ channel: 'chat', code: notPermitted }],
    });
    expect(await json.hear()).toMatchObject({ type: 'error', code: notPermitted });
    void json.client.close();
  });
});
