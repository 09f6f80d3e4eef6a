/**
 * The API while Redis is away: what cannot be promised is not begun, and what nobody knows is called unknown.
 */
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { api, post } from '../support/api.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const one = { channel: 'a', json: 1 };

let redis: TestRedis;
let node: TestNode;
beforeEach(async () => {
  redis = await TestRedis.planned();
  node = await startNode(['--redis', redis.url, '--redis-command-timeout-ms', '500']);
});
afterEach(async () => {
  await node.stop();
  await redis.kill();
});

async function ready(): Promise<void> {
  await redis.start();
  await until(
    () => node.ready(),
    (status) => status === 200,
  );
}

it('delivers nowhere before Redis was ever there, nor when it has gone, and again when it is back', async () => {
  const client = await TestClient.open(`${node.url}/raw/a`);
  onTestFinished(() => client.close());
  const refused = { status: 503, body: { error: { code: 200, name: 'unavailable' } } };
  expect(await post(node, 'publish', { ...one, json: 'too early' })).toMatchObject(refused);
  expect((await post(node, 'publish', one)).headers.get('retry-after')).toBe('1');
  await ready();
  expect((await post(node, 'publish', { ...one, json: 'now' })).status).toBe(200);
  await redis.kill();
  await node.untilMetric('outcry_bridge_connected', 0);
  expect(await post(node, 'publish', { ...one, json: 'too late' })).toMatchObject(refused);
  expect(
    await post(node, 'publish', JSON.stringify(one), { 'Content-Type': 'application/x-ndjson' }),
  ).toMatchObject(refused);
  await ready();
  expect((await post(node, 'publish', { ...one, json: 'again' })).status).toBe(200);
  expect([await client.text(), await client.text()]).toEqual(['"now"', '"again"']);
});

it('says unknown when Redis takes it and does not reply, within five seconds', async () => {
  await ready();
  redis.freeze();
  const start = performance.now();
  const [single, batch, lines] = await Promise.all([
    post(node, 'publish', one),
    post(node, 'publish', { publications: [one, one] }),
    post(node, 'publish', `${JSON.stringify(one)}\n`, { 'Content-Type': 'application/x-ndjson' }),
  ]);
  expect(performance.now() - start).toBeLessThan(5_000);
  redis.thaw();
  const error = { code: 201, name: 'outcome_unknown' };
  expect(single).toMatchObject({ status: 503, body: { error } });
  expect(batch).toMatchObject({ status: 503, body: { error, published: 0, unknown: 2 } });
  expect(lines).toMatchObject({ status: 503, body: { error, published: 0, unknown: 1 } });
});

it('answers questions at once, for itself, and says that it knows of nobody else', async () => {
  expect((await api(node, 'channels/a')).body).toEqual({
    channel: 'a',
    subscribers: { node: 0, cluster: 0 },
    complete: false,
  });
  expect((await api(node, 'counts')).body.cluster).toMatchObject({ nodes: 1, complete: false });
});
