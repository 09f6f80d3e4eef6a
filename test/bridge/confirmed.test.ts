/**
 * A bridge that is asked what became of a publication: taken, refused, or nobody knows.
 */
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { RedisBridge } from '../../src/bridge/redis-bridge.ts';
import { redisAt } from '../../src/bridge/redis-broker.ts';
import { fixedPlacement } from '../../src/bridge/redis-place.ts';
import { Publication } from '../../src/channel/publication.ts';
import { systemClock } from '../../src/clock.ts';
import { parseRedisUrl, type RedisAddress } from '../../src/config/redis-url.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const text = Publication.text('hi', 0);

let redis: TestRedis;
beforeEach(async () => {
  redis = await TestRedis.start();
});
afterEach(() => redis.kill());

async function connected({ maxBytesInFlight = 1e6 } = {}): Promise<RedisBridge> {
  const address = parseRedisUrl(redis.url) as RedisAddress;
  const bridge = new RedisBridge({
    placement: fixedPlacement([redisAt({ address, ca: null, commandTimeoutMs: 300 })], 'outcry', 4),
    prefix: 'outcry',
    shards: 4,
    sender: { nodeId: 'left', bootId: 'b' },
    maxBytesInFlight,
    history: null,
    batch: { maxDelayMs: 2, maxBytes: 65_536, maxItems: 1_024 },
    clock: systemClock,
    logger: silent,
    metrics: new Metrics().bridge,
    onState() {},
  });
  bridge.start(
    () => {},
    () => {},
  );
  onTestFinished(() => bridge.stop());
  await until(
    () => bridge.state,
    (state) => state === 'connected',
  );
  return bridge;
}

it('is confirmed when Redis has replied, one promise for all that travel in a frame', async () => {
  const bridge = await connected();
  bridge.publish('a', text);
  const first = bridge.publishConfirmed('a', text);
  expect(bridge.publishConfirmed('a', text)).toBe(first);
  expect(await first).toBe('confirmed');
  const later = bridge.publishConfirmed('a', text);
  expect(later).not.toBe(first);
  expect(await later).toBe('confirmed');
});

it('is unknown when Redis does not reply in time', async () => {
  const bridge = await connected();
  redis.freeze();
  expect(await bridge.publishConfirmed('a', text)).toBe('unknown');
  redis.thaw();
});

it('is unknown when the connection ends with it under way', async () => {
  const bridge = await connected();
  redis.freeze();
  const outcome = bridge.publishConfirmed('a', text);
  await new Promise((resolve) => setImmediate(resolve));
  await redis.kill();
  expect(await outcome).toBe('unknown');
});

it('has failed when Redis refuses it', async () => {
  const bridge = await connected();
  await redis.client().call('ACL', 'SETUSER', 'default', '-publish');
  expect(await bridge.publishConfirmed('a', text)).toBe('failed');
});

it('has failed when it would exceed the bytes in flight', async () => {
  const bridge = await connected({ maxBytesInFlight: 20_000 });
  expect(await bridge.publishConfirmed('a', Publication.text('x'.repeat(20_000), 0))).toBe('failed');
});

it('has failed while Redis is away, and after the end', async () => {
  const bridge = await connected();
  await redis.kill();
  // Its two connections learn of it one after the other; what goes out between is unknown.
  await until(
    async () => await bridge.publishConfirmed('a', text),
    (outcome) => outcome === 'failed',
  );
  await bridge.stop();
  expect(bridge.publishConfirmed('a', text)).toBe('failed');
});
