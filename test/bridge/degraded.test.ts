/**
 * A node that cannot reach the others goes on, and says so: in answers while it lasts, in one message when it is over, and to
 * the load balancer for as long as anything is missing that its clients rely on.
 */
import { once } from 'node:events';
import { type AddressInfo, connect as connectTo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { post } from '../support/api.ts';
import { Follower } from '../support/follower.ts';
import { NativeClient, type Subprotocol } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { calm } from '../support/surroundings.ts';
import { until } from '../support/until.ts';

let redis: TestRedis;
beforeEach(async () => {
  redis = await TestRedis.planned();
});
afterEach(() => redis.kill());

async function node(...flags: string[]): Promise<TestNode> {
  const address = flags.includes('--redis') ? [] : ['--redis', redis.url];
  const started = await startNode([...address, ...flags]);
  onTestFinished(async () => void (await started.stop()));
  return started;
}

const withHistory = ['--namespaces', '{"h": {"historySize": 100}}'];

async function connect(at: TestNode, subprotocol: Subprotocol = 'outcry.v1.json'): Promise<NativeClient> {
  const native = await NativeClient.connect(at.url, subprotocol);
  onTestFinished(() => native.client.close());
  return native;
}

async function follow(at: TestNode, channel: string, subprotocol?: Subprotocol): Promise<Follower> {
  const follower = await Follower.join(at.url, channel, {}, subprotocol);
  onTestFinished(() => follower.close());
  return follower;
}

const subscribe = { type: 'subscribe', id: 1, channels: ['a'] };
const publish = { type: 'publish', id: 2, channel: 'a', text: 'x' };
/** Something was said in every run, so that what was not said is not merely late. */
async function says(native: NativeClient): Promise<unknown[]> {
  native.say({ type: 'ping', id: 99 });
  const heard: unknown[] = [];
  for (;;) {
    const message = await native.hear();
    if ((message as { id?: number }).id === 99) return heard;
    heard.push(message);
  }
}

describe('a publication', () => {
  it('goes on to the subscribers of this node, and its answer says that it got no further', async () => {
    const left = await node();
    const native = await connect(left);
    native.say(subscribe);
    expect(await native.hear()).toEqual({
      ...{ type: 'subscribed', id: 1 },
      channels: [{ channel: 'a', number: 1, sequence: 0, degraded: true }],
    });
    native.say(publish, { ...publish, id: undefined, text: 'without an id' });
    expect(await native.hear()).toEqual({ type: 'published', id: 2, degraded: true });
    expect(await native.hear()).toMatchObject({
      ...{ type: 'batch', sequence: 2 },
      publications: [{ text: 'x' }, { text: 'without an id' }],
    });
    expect(await says(native)).toEqual([]);
    expect(await post(left, 'publish', { channel: 'a', text: 'x' })).toMatchObject({
      ...{ status: 503, body: { error: { code: 200, name: 'unavailable' } } },
    });

    const packed = await connect(left, 'outcry.v1.msgpack');
    packed.say([4, 7, 'a', 'y']);
    expect(await packed.hear()).toEqual([4, 7, true]);
  });

  it('is marked from the moment that Redis is gone, and not any more when it is back', async () => {
    await redis.start();
    const left = await node();
    await left.untilReady(200);
    const native = await connect(left);
    native.say(publish);
    expect(await native.hear()).toEqual({ type: 'published', id: 2 });
    await redis.kill();
    expect(await native.hear()).toEqual({ type: 'degraded' });
    native.say(publish);
    expect(await native.hear()).toEqual({ type: 'published', id: 2, degraded: true });
    await redis.start();
    await left.untilReady(200);
    native.say(publish);
    expect(await native.hear()).toEqual({ type: 'published', id: 2 });
  });

  it('into a channel with history is refused and reaches nobody, with or without an id', async () => {
    const left = await node(...withHistory);
    const native = await connect(left);
    native.say({ ...subscribe, channels: ['h:a'] });
    await native.hear();
    const refused = {
      ...{ type: 'error', code: 200 },
      message:
        'this channel has a history, which cannot be reached now: the publication is not in it and was delivered to nobody',
    };
    native.say({ ...publish, channel: 'h:a' }, { ...publish, id: undefined, channel: 'h:a' });
    expect([await native.hear(), await native.hear()]).toEqual([{ ...refused, id: 2 }, refused]);
    expect(await says(native)).toEqual([]);
    expect((await post(left, 'publish', { channel: 'h:a', text: 'x' })).status).toBe(503);
    expect(await left.metric('outcry_errors_total{error="unavailable"}')).toBe(2);
  });
});

describe('its beginning', () => {
  it.each([
    ['outcry.v1.json', { type: 'degraded' }],
    ['outcry.v1.msgpack', [11]],
  ] as const)('is told once to each client, whatever it has joined, in %s', async (subprotocol, degraded) => {
    await redis.start();
    const left = await node(...withHistory);
    await left.untilReady(200);
    const json = subprotocol === 'outcry.v1.json';
    const [joined, idle] = [await connect(left, subprotocol), await connect(left, subprotocol)];
    const channels = ['a', 'b', 'h:a'];
    joined.say(json ? { ...subscribe, channels } : [2, 1, channels]);
    await joined.hear();
    await redis.kill();
    expect([await joined.hear(), await idle.hear()]).toEqual([degraded, degraded]);
    await left.untilReady(503);
    expect(await left.metric('outcry_degraded_told_total')).toBe(1);
    await redis.start();
    await left.untilReady(200);
    // Each channel has its own end, by which it is known that nothing else was told.
    const reasonOf = (told: unknown) => (json ? (told as { reason: string }).reason : (told as unknown[])[2]);
    const ends = [await joined.hear(), await joined.hear(), await joined.hear(), await joined.hear()];
    const [away, renewed, healed] = json ? ['bridge_away', 'epoch_changed', 'healed'] : [2, 3, 5];
    expect(ends.map(reasonOf).sort()).toEqual([away, away, renewed, healed].sort());
    idle.say(json ? { type: 'ping', id: 9 } : [5, 9]);
    expect(await idle.hear()).toMatchObject(json ? { type: 'pong' } : [6, 9, expect.anything()]);
  });

  it('is told by the SDK for each channel that is joined, and its end too', async () => {
    await redis.start();
    const left = await node(...withHistory);
    await left.untilReady(200);
    const client = new Client(left.url, {}, calm);
    onTestFinished(() => client.close());
    const told: string[] = [];
    for (const name of ['degraded', 'restored'] as const)
      client.on(name, ({ channel }) => told.push(`${name} ${channel}`));
    const [a, h] = [client.subscribe('a'), client.subscribe('h:a')];
    await Promise.all([a.ready(), h.ready()]);
    redis.freeze();
    await until(
      () => told,
      ({ length }) => length === 2,
      { what: 'degraded' },
    );
    const late = client.subscribe('a');
    const joined = await new Promise((resolve) => late.on('subscribed', resolve));
    expect(joined).toMatchObject({ degraded: true });
    redis.thaw();
    await until(
      () => told,
      ({ length }) => length === 4,
      { what: 'restored' },
    );
    expect(told.sort()).toEqual(['degraded a', 'degraded h:a', 'restored a', 'restored h:a']);
  });
});

describe('its end', () => {
  it.each(['outcry.v1.json', 'outcry.v1.msgpack'] as const)(
    'is told once to those who came before Redis was ever there, in %s',
    async (subprotocol) => {
      const left = await node();
      const native = await connect(left, subprotocol);
      const json = subprotocol === 'outcry.v1.json';
      native.say(json ? subscribe : [2, 1, ['a']]);
      await native.hear();
      await redis.start();
      await left.untilReady(200);
      const gap = json ? { type: 'gap', channel: 'a', reason: 'bridge_away' } : [8, 1, 2];
      expect(await native.hear()).toEqual(gap);
      native.say(json ? subscribe : [2, 1, ['a']]);
      const joined = { channel: 'a', number: 1, sequence: 0 };
      expect(await native.hear()).toEqual(
        json ? { type: 'subscribed', id: 1, channels: [joined] } : [2, 1, [['a', 1, 0]]],
      );
    },
  );

  it('is told once to all when Redis comes back', async () => {
    await redis.start();
    const left = await node();
    await left.untilReady(200);
    const native = await connect(left);
    native.say(subscribe);
    await native.hear();
    await redis.kill();
    await left.untilReady(503);
    await redis.start();
    await left.untilReady(200);
    expect(await says(native)).toEqual([
      { type: 'degraded' },
      { type: 'gap', channel: 'a', reason: 'bridge_away' },
    ]);
    expect(await left.metric('outcry_gaps_told_total{reason="bridge_away"}')).toBe(1);
  });

  it('is told to those who came while Redis was slow to confirm a shard, though all else worked', async () => {
    await redis.start();
    const slow = await SlowSubscribes.to(redis.port);
    const left = await node('--redis', slow.url);
    await left.untilReady(200);
    const native = await connect(left);
    slow.hold();
    native.say(subscribe);
    const joined = { channel: 'a', number: 1, sequence: 0 };
    expect(await native.hear()).toMatchObject({ channels: [{ ...joined, degraded: true }] });
    expect(await left.ready()).toBe(200);
    slow.release();
    expect(await native.hear()).toEqual({ type: 'gap', channel: 'a', reason: 'bridge_away' });
    native.say(subscribe);
    expect(await native.hear()).toEqual({ type: 'subscribed', id: 1, channels: [joined] });
    expect(await left.metric('outcry_bridge_possible_gaps_total')).toBe(0);
  });

  it.each(['outcry.v1.json', 'outcry.v1.msgpack'] as const)(
    'is told in a channel with history that has healed to those who were told of it, in %s',
    async (subprotocol) => {
      await redis.start();
      const left = await node('--redis-command-timeout-ms', '500', ...withHistory);
      await left.untilReady(200);
      const before = await follow(left, 'h:a', subprotocol);
      await before.publish('a');
      await before.hears(1);
      redis.freeze();
      await left.untilMetric('outcry_bridge_connected', 0);
      const late = await follow(left, 'h:a', subprotocol);
      expect(late.standing).toMatchObject({ degraded: true, position: before.position });
      redis.thaw();
      await left.untilReady(200);
      await until(
        () => late.healed,
        (healed) => healed === 1,
      );
      await late.publish('b');
      expect([await before.hears(2), await late.hears(1)]).toEqual([['a', 'b'], ['b']]);
      expect([before.gaps, late.gaps, before.faults, late.faults]).toEqual([[], [], [], []]);
      expect(late.healed).toBe(1);
    },
  );

  it('is told in a channel with history that had no position', async () => {
    const left = await node(...withHistory);
    const early = await follow(left, 'h:a');
    expect(early.standing).toMatchObject({ degraded: true, position: null });
    await redis.start();
    await until(
      () => early.healed,
      (healed) => healed === 1,
    );
    expect([early.gaps, early.faults]).toEqual([['epoch_changed'], []]);
    expect(await early.subscribe()).toMatchObject({ degraded: false });
    expect(early.healed).toBe(1);
  });
});

describe('readiness', () => {
  it('is lost while beats do not come back, though Redis answers', async () => {
    await redis.start();
    const left = await node();
    await left.untilReady(200);
    await redis.client().call('ACL', 'SETUSER', 'default', '-publish');
    await left.untilReady(503);
    const native = await connect(left);
    native.say(publish);
    expect(await native.hear()).toEqual({ type: 'published', id: 2, degraded: true });
    await redis.client().call('ACL', 'SETUSER', 'default', '+publish');
    await left.untilReady(200);
  });

  it('is lost while the history cannot be claimed, where a namespace has one', async () => {
    await redis.start();
    const [keeping, plain] = await Promise.all([
      node('--node-id', 'keeping', ...withHistory),
      node('--node-id', 'plain'),
    ]);
    await Promise.all([keeping.untilReady(200), plain.untilReady(200)]);
    await redis.client().call('ACL', 'SETUSER', 'default', '-eval', '-evalsha');
    await keeping.untilReady(503);
    expect(await (await fetch(`http://127.0.0.1:${keeping.port}/health/ready`)).json()).toEqual({
      ...{ status: 'waiting', lacking: ['history'] },
    });
    expect(await plain.ready()).toBe(200);
    await redis.client().call('ACL', 'SETUSER', 'default', '+eval', '+evalsha');
    await keeping.untilReady(200);
  });

  it('never comes while the history could not be claimed from the start', async () => {
    await redis.start();
    await redis.client().call('ACL', 'SETUSER', 'default', '-eval', '-evalsha');
    const left = await node(...withHistory);
    await left.untilMetric('outcry_bridge_connected', 1);
    expect(await left.ready()).toBe(503);
    await redis.client().call('ACL', 'SETUSER', 'default', '+eval', '+evalsha');
    await left.untilReady(200);
  });
});

/** Between nodes and a Redis: hands on everything, except for subscriptions while they are held. */
class SlowSubscribes {
  readonly url: string;
  #held: (() => void)[] | null = null;

  private constructor(server: Server, port: number) {
    this.url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (near) => {
      const far = connectTo(port, '127.0.0.1');
      far.pipe(near);
      near.on('data', (bytes) => {
        const pass = () => void far.write(bytes);
        if (this.#held === null || !/\r\nsubscribe\r\n/i.test(bytes.toString('latin1'))) pass();
        else this.#held.push(pass);
      });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => {}); // Its close ends the other one.
        one.on('close', () => other.destroy());
      }
    });
  }

  static async to(port: number): Promise<SlowSubscribes> {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    return new SlowSubscribes(server, port);
  }

  hold(): void {
    this.#held = [];
  }

  release(): void {
    for (const pass of this.#held ?? []) pass();
    this.#held = null;
  }
}
