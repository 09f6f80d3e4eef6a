/**
 * What a node does with a publication on its way through Redis, and nothing else: no protocol, no limits, no pacer. Plain
 * ones are delivered here at once and go to the others over the bridge; those of a history are appended, and delivered from
 * the frames that come back. Either way deliveries are batched by hand, so that they cost the same and little.
 *
 * `joined-bun.ts REDIS_URL plain|history|nobody`: `nobody` has no publisher and hears both.
 */
import { randomBytes } from 'node:crypto';
import { RedisBridge } from '../../src/bridge/redis-bridge.ts';
import { redisAt } from '../../src/bridge/redis-broker.ts';
import { RedisConnection } from '../../src/bridge/redis-connection.ts';
import { fixedPlacement } from '../../src/bridge/redis-place.ts';
import { Publication } from '../../src/channel/publication.ts';
import { systemClock } from '../../src/clock.ts';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import { RedisHistory } from '../../src/history/redis-history.ts';
import { createLogger } from '../../src/logger.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { channelOf, channelsIn } from './channels.mjs';
import { gathering } from './gathered.mjs';

const windowMs = 5;
const shards = 64;
const [redisUrl = '', kind = ''] = process.argv.slice(2);
const address = parseRedisUrl(redisUrl);
if (address === null) throw new Error('the first argument is not the address of a Redis');

const bootId = randomBytes(8).toString('hex');
const metrics = new Metrics();
const logger = await createLogger({ level: 'warn', format: 'json', node: bootId });
// The defaults of a node.
const common = {
  ...{ address, ca: null, prefix: 'outcry', shards, clock: systemClock, commandTimeoutMs: 2_000 },
  ...{ maxBytesInFlight: 67_108_864, batch: { maxDelayMs: 2, maxBytes: 65_536, maxItems: 512 } },
};

const deliver = gathering(windowMs, (channel, messages) => void server.publish(channel, messages));
const deliverCopy = (channel: string, { bytes }: Publication) => deliver(channel, Buffer.from(bytes));

const bridge = new RedisBridge({
  ...common,
  placement: fixedPlacement([redisAt(common)], common.prefix, shards),
  history: null,
  sender: { nodeId: bootId, bootId },
  logger,
  metrics: metrics.bridge,
  onState: (state) => {
    if (state === 'connected') listening();
  },
});
const history = new RedisHistory({
  ...common,
  inCluster: false,
  bootId,
  retention: () => ({ size: 100, ttlMs: 300_000 }),
  metrics: metrics.history,
  onGeneration() {},
  onTrouble: (reason) => console.error(reason),
});
const shardOfChannel = new Map(Array.from({ length: shards }, (_, n) => [history.pubsubChannel(n), n]));
const ears = new RedisConnection({
  ...{ address, ca: null, commandTimeoutMs: 2_000, name: 'ears' },
  onReady: () => void 0,
  onLost: () => console.error('the history is not heard any more'),
  onError: (message) => console.error(message),
  onMessage: (channel, bytes) => history.frame(shardOfChannel.get(channel) as number, bytes),
});

const publish = {
  plain(channel: string, publication: Publication) {
    deliverCopy(channel, publication);
    bridge.publish(channel, publication);
  },
  history(channel: string, publication: Publication) {
    void history.append(channel, [publication]).then(({ outcome }) => {
      if (outcome !== 'confirmed') console.error(`an append is ${outcome}`);
    });
  },
  nobody() {
    throw new Error('this one has no publisher');
  },
}[kind];
if (publish === undefined) throw new Error('the second argument is plain, history or nobody');

const server = Bun.serve<{ channels: string[] }>({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request, server) {
    const channels = channelsIn(request.url);
    for (const channel of channels) bridge.opened(channel);
    await Promise.all(channels.map((channel) => bridge.prepare(channel)));
    if (channels.length > 0) await ears.subscribe([...shardOfChannel.keys()]);
    return server.upgrade(request, { data: { channels } }) ? undefined : new Response();
  },
  websocket: {
    open(ws) {
      for (const channel of ws.data.channels) ws.subscribe(channel);
    },
    message: (_ws, message) =>
      publish(channelOf(message as Buffer), Publication.binary(message as Buffer, Date.now())),
  },
});
history.start((channel, { publications }) => {
  for (const publication of publications) deliverCopy(channel, publication);
});
history.connect(
  Array.from({ length: shards }, (_, shard) => shard),
  ({ onReady, onLost }) =>
    new RedisConnection({
      ...{ address, ca: null, commandTimeoutMs: 2_000, name: 'history', onReady, onLost },
      onError: (message) => console.error(message),
      onMessage() {},
    }),
);
bridge.start(deliverCopy, (reason) => console.error(`publications may be missing: ${reason}`));

function listening(): void {
  if (!history.ready) setTimeout(listening, 10);
  else console.log(JSON.stringify({ msg: 'listening', port: server.port }));
}
