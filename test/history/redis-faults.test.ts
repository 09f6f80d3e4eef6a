/**
 * A history whose Redis refuses, does not answer, or holds what others wrote: every outcome is told, within bounds, and what
 * was confirmed is there once.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { Publication } from '../../src/channel/publication.ts';
import { appendScript } from '../../src/history/redis-append-script.ts';
import { claimScript } from '../../src/history/redis-claim-script.ts';
import type { RedisLink } from '../../src/history/redis-link.ts';
import { SequencedWriter } from '../../src/protocol/sequenced-frame.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { HistoryNode, shards } from './history-node.ts';

let redis: TestRedis;
beforeEach(async () => {
  redis = await TestRedis.start();
});
afterEach(() => redis.kill());

const keyOf = (kind: string, channel: string) =>
  `outcry.v1.${shards}.{${shardOf(channel, shards)}}.${kind}:${channel}`;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));

/** Something between a history and its connection that may answer an append itself. */
function appendsMeet(
  meet: (attempt: number, send: () => Promise<unknown>) => Promise<unknown>,
): (link: RedisLink) => RedisLink {
  let attempts = 0;
  return (link) => ({
    get ready() {
      return link.ready;
    },
    get bytesInFlight() {
      return link.bytesInFlight;
    },
    reconnect: () => link.reconnect(),
    end: () => link.end(),
    run(script, keys, args) {
      if (script !== appendScript) return link.run(script, keys, args);
      attempts += 1;
      return meet(attempts, () => link.run(script, keys, args));
    },
  });
}

function refusal(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

describe('two nodes that append at the same time', () => {
  it('hear the same in the same order, without a hole, and each its own in its own order', async () => {
    const nodes = await Promise.all(
      ['left', 'right'].map((bootId) => HistoryNode.start({ port: redis.port, bootId })),
    );
    const [left, right] = nodes as [HistoryNode, HistoryNode];
    await Promise.all(
      nodes.flatMap((node, n) => numbers(500).map((text) => node.append('a', `${n}-${text}`))),
    );
    for (const node of nodes)
      await until(
        () => node.heard.get('a')?.length,
        (count) => count === 1_000,
      );
    expect(left.heard.get('a')).toEqual(right.heard.get('a'));
    expect(await left.kept('a')).toEqual(left.heard.get('a'));
    for (const n of [0, 1])
      expect(left.heard.get('a')?.filter((text) => text.startsWith(`${n}-`))).toEqual(
        numbers(500).map((text) => `${n}-${text}`),
      );
  });

  it('of which one is behind with its claim go on in one generation', async () => {
    const nodes = await Promise.all(
      ['left', 'right'].map((bootId) => HistoryNode.start({ port: redis.port, bootId })),
    );
    const [left, right] = nodes as [HistoryNode, HistoryNode];
    await Promise.all(nodes.map((node) => node.append('a', 'before')));
    await redis.client().flushall();
    const after = await left.append('a', 1);
    expect(await right.append('a', 2)).toEqual({ ...after, offset: 2 });
    expect(await left.append('a', 3)).toEqual({ ...after, offset: 3 });
  });
});

describe('an attempt', () => {
  it('whose answer was lost is repeated and appends once', async () => {
    const node = await HistoryNode.start({
      port: redis.port,
      between: appendsMeet(async (attempt, send) => {
        const reply = await send();
        if (attempt <= 2) throw new Error('the connection ended');
        return reply;
      }),
    });
    expect(await node.append('a', 'once', 'twice')).toMatchObject({ offset: 2 });
    await node.append('a', 'end');
    await node.hears('a', ['once', 'twice', 'end']);
    expect(await node.kept('a')).toEqual(['once', 'twice', 'end']);
    expect(node.metrics.appendRetries.value).toBe(2);
  });

  it('that was given up and comes late appends nothing', async () => {
    let late: (() => Promise<unknown>) | null = null;
    const node = await HistoryNode.start({
      port: redis.port,
      commandTimeoutMs: 300,
      between: appendsMeet((attempt, send) => {
        if (attempt > 1) return send();
        late = send;
        return new Promise(() => {});
      }),
    });
    expect(await node.publish('a', 'late')).toEqual({ outcome: 'unknown' });
    await node.append('a', 'next');
    expect(String(await (late as unknown as () => Promise<unknown>)())).toBe('stale');
    expect(await node.kept('a')).toEqual(['next']);
  });

  it('that meets a Redis which is loading is repeated', async () => {
    const node = await HistoryNode.start({
      port: redis.port,
      between: appendsMeet(async (attempt, send) => {
        if (attempt <= 3) throw refusal('LOADING Redis is loading the dataset in memory');
        return await send();
      }),
    });
    expect(await node.append('a', 1)).toMatchObject({ offset: 1 });
    expect(node.metrics.appendRetries.value).toBe(3);
  });

  it('is not repeated for ever', async () => {
    const node = await HistoryNode.start({
      port: redis.port,
      commandTimeoutMs: 300,
      between: appendsMeet(async () => {
        throw refusal('LOADING Redis is loading the dataset in memory');
      }),
    });
    expect(await node.publish('a', 1)).toEqual({ outcome: 'failed' });
    expect(node.metrics.appendRetries.value).toBeLessThan(10);
  });

  it('that overtakes nothing keeps the order of what waits behind it', async () => {
    const node = await HistoryNode.start({
      port: redis.port,
      between: appendsMeet(async (attempt, send) => {
        if (attempt % 3 === 0) throw refusal('LOADING Redis is loading the dataset in memory');
        const reply = await send();
        if (attempt % 5 === 0) throw new Error('the connection ended');
        return reply;
      }),
    });
    const all: Promise<unknown>[] = [];
    for (const text of numbers(60)) {
      all.push(node.append('a', text));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    expect(await node.kept('a')).toEqual(numbers(60));
  });
});

describe('a Redis', () => {
  it('that is out of memory refuses a batch as a whole, and nothing is lost by it', async () => {
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2);
    const admin = redis.client();
    await admin.config('SET', 'maxmemory', '1');
    const refused = await Promise.all([node.publish('a', 3), node.publish('b', 3)]);
    expect(refused).toEqual([{ outcome: 'failed' }, { outcome: 'failed' }]);
    await admin.config('SET', 'maxmemory', '0');
    expect(await node.append('a', 4)).toEqual({ ...before, offset: 3 });
    expect(await node.kept('a')).toEqual(['1', '2', '4']);
    await node.hears('a', ['1', '2', '4']);
  });

  it('that became a replica refuses appends and reads', async () => {
    const node = await HistoryNode.start({ port: redis.port, commandTimeoutMs: 300 });
    const before = await node.append('a', 1, 2);
    await redis.client().replicaof('127.0.0.1', 1);
    expect(await node.publish('a', 3)).toEqual({ outcome: 'failed' });
    await node.ready();
    expect(await node.history.read('a', before, 9)).toBe(null);
    await redis.client().replicaof('NO', 'ONE');
    await until(
      () => node.publish('a', 4),
      ({ outcome }) => outcome === 'confirmed',
    );
    expect(await node.kept('a')).toEqual(['1', '2', '4']);
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
  });

  it('that wants a password takes nothing without it', async () => {
    await redis.client().config('SET', 'requirepass', 'secret');
    const node = HistoryNode.planned({ port: redis.port });
    expect(await node.publish('a', 1)).toEqual({ outcome: 'failed' });
    expect(await node.history.top('a')).toBe(null);
    const trusted = await HistoryNode.start({ port: redis.port, password: 'secret' });
    await trusted.append('a', 1);
    expect(node.history.ready).toBe(false);
  });

  it.each(['-evalsha', '-mget', '-set', '-xadd', '-pexpire', '-publish'])(
    'whose user has %s refuses at once, and no node hears what is not kept',
    async (rule) => {
      const node = await HistoryNode.start({ port: redis.port });
      await node.append('a', 1);
      const admin = redis.client();
      await admin.call('ACL', 'SETUSER', 'default', rule);
      expect(await node.publish('a', 2)).toEqual({ outcome: 'failed' });
      await admin.call('ACL', 'SETUSER', 'default', '+@all');
      await node.append('a', 3);
      expect(await node.kept('a')).toEqual(['1', '3']);
      await node.hears('a', ['1', '3']);
    },
  );

  it('whose user may publish nowhere refuses, and keeps nothing', async () => {
    const node = await HistoryNode.start({ port: redis.port });
    await node.append('a', 1);
    await redis.client().call('ACL', 'SETUSER', 'default', 'resetchannels');
    expect(await node.publish('a', 2)).toEqual({ outcome: 'failed' });
    expect(await node.kept('a')).toEqual(['1']);
  });

  it('that does not answer makes it unknown, in time, and nothing comes twice', async () => {
    const node = await HistoryNode.start({ port: redis.port, commandTimeoutMs: 300 });
    await node.append('a', 1);
    redis.freeze();
    const startedAt = performance.now();
    expect(await node.publish('a', 2)).toEqual({ outcome: 'unknown' });
    expect(await node.history.top('a')).toBe(null);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    redis.thaw();
    await until(
      () => node.publish('a', 3),
      ({ outcome }) => outcome === 'confirmed',
    );
    const kept = await node.kept('a');
    expect(kept.filter((text) => text === '2').length).toBeLessThanOrEqual(1);
    expect(node.heard.get('a')).toEqual(kept);
  });

  it('that is away makes appends fail at once, and reads', async () => {
    const node = await HistoryNode.start({ port: redis.port });
    await node.append('a', 1);
    await redis.kill();
    await node.away();
    expect(await node.publish('a', 2)).toEqual({ outcome: 'failed' });
    expect(await node.history.last('a', 9)).toBe(null);
    expect(node.metrics.publicationsNotAppended.values.away).toBe(1);
  });

  it('that was restarted and forgot the scripts gets them again', async () => {
    const node = await HistoryNode.start({ port: redis.port });
    await node.append('a', 1);
    await redis.client().script('FLUSH');
    expect(await node.append('a', 2)).toMatchObject({ offset: 2 });
    expect(await node.kept('a')).toEqual(['1', '2']);
  });
});

it('what waits is bounded: more is refused at once', async () => {
  const node = await HistoryNode.start({ port: redis.port, maxBytesInFlight: 50_000 });
  const outcomes = await Promise.all(numbers(10).map(() => node.publish('a', 'x'.repeat(5_000))));
  const confirmed = outcomes.filter(({ outcome }) => outcome === 'confirmed').length;
  expect(confirmed).toBe(3);
  expect(node.metrics.publicationsNotAppended.values.waiting_limit).toBe(7);
  await node.append('a', 'and then it is free again');
});

it('a log is trimmed now and then, and holds little more than is kept', async () => {
  const size = 200;
  const node = await HistoryNode.start({ port: redis.port, retention: () => ({ size, ttlMs: 60_000 }) });
  const lengths: number[] = [];
  for (let appended = 0; appended < 2_000; appended += 1) {
    await node.append('a', 'x'.repeat(200));
    if (appended >= size) lengths.push(await redis.client().xlen(keyOf('log', 'a')));
  }
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(size);
  // An eighth, and what Redis stores in one piece of 4 KiB.
  expect(Math.max(...lengths)).toBeLessThanOrEqual(size + size / 8 + 20);
  expect((await node.kept('a')).length).toBe(size);
});

it('one batch holds channels of unlike retention, with and without idempotency keys', async () => {
  const channels = numbers(40).filter((name) => shardOf(name, shards) === 0);
  const sizeOf = (channel: string) => 1 + (Number(channel) % 3);
  const node = await HistoryNode.start({
    port: redis.port,
    retention: (channel) => ({ size: sizeOf(channel), ttlMs: 1_000 * sizeOf(channel) }),
  });
  const append = (channel: string, text: string, key?: string) =>
    node.history.append(channel, [Publication.text(text, 0)], key);
  const offsets = await Promise.all(
    channels.flatMap((channel) => [
      append(channel, 'a'),
      append(channel, 'b', 'key'),
      append(channel, 'c', 'key'),
      append(channel, 'd'),
    ]),
  );
  expect(node.metrics.batchesAppended.value).toBe(1);
  expect(offsets.map((each) => each.outcome === 'confirmed' && each.position.offset)).toEqual(
    channels.flatMap(() => [1, 2, 2, 3]),
  );
  const client = redis.client();
  for (const channel of channels) {
    await node.hears(channel, ['a', 'b', 'd']);
    expect(await node.kept(channel)).toEqual(['a', 'b', 'd'].slice(-sizeOf(channel)));
    const left = await client.pttl(keyOf('log', channel));
    expect(left).toBeGreaterThan(1_000 * (sizeOf(channel) - 1));
    expect(left).toBeLessThanOrEqual(1_000 * sizeOf(channel));
  }
});

it('scripts touch only keys that they name, all in one slot', async () => {
  // Unless told, its nodes meet on a port that nobody has looked at.
  const [busPort] = await freePorts(1);
  const cluster = await TestRedis.start({
    flags: ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`],
  });
  try {
    await cluster.client().call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until(
      () => cluster.client().call('CLUSTER', 'INFO'),
      (info) => String(info).includes('cluster_state:ok'),
    );
    const node = await HistoryNode.start({ port: cluster.port, inCluster: true });
    for (const channel of ['a', 'b', 'c', 'd', 'x{1}y', 'x}{2}'])
      expect((await node.history.append(channel, [Publication.text('x', 0)], 'key')).outcome).toBe(
        'confirmed',
      );
    expect(await node.kept('x{1}y')).toEqual(['x']);
    await node.hears('x{1}y', ['x']);
  } finally {
    await cluster.kill();
  }
});

describe('an entry that was altered', () => {
  const writer = new SequencedWriter();
  const entry = (text: string) => writer.entry([Publication.text(text, 0)]);

  it('or is foreign is counted, and whoever would need it is told so', async () => {
    const node = await HistoryNode.start({ port: redis.port });
    for (const text of numbers(6)) await node.append('a', text);
    const position = await node.append('a', '7');
    const log = keyOf('log', 'a');
    const admin = redis.client();
    await admin.xdel(log, '4-0');
    expect(await node.comeBack('a', { ...position, offset: 2 })).toBe('not_kept');
    expect(await node.comeBack('a', { ...position, offset: 4 })).toEqual(['5', '6', '7']);
    expect(await node.kept('a')).toEqual(['5', '6', '7']);
    expect(node.metrics.entriesRejected.value).toBe(0);
  });

  it.each<[string, Record<string, string | Buffer>]>([
    ['of garbage', { b: Buffer.from('93c1ff00deadbeef', 'hex') }],
    ['with another field', { x: entry('x') }],
    ['with two fields', { b: entry('x'), c: 'x' }],
    ['of 4 GiB, as it says', { b: Buffer.from('9301cb0000000000000000ddffffffff', 'hex') }],
  ])('%s in place of the last one is never delivered', async (_name, fields) => {
    const node = await HistoryNode.start({ port: redis.port });
    const position = await node.append('a', '1');
    // The only way to have an id that was used is to make the log anew.
    const log = keyOf('log', 'a');
    const admin = redis.client();
    await admin.del(log);
    await admin.xadd(log, '1-0', ...Object.entries(fields).flat());
    expect(await node.comeBack('a', { ...position, offset: 0 })).toBe('not_kept');
    expect(node.metrics.entriesRejected.value).toBe(1);
    await node.append('a', '2');
    expect(await node.comeBack('a', { ...position, offset: 1 })).toEqual(['2']);
    expect(await node.kept('a')).toEqual(['2']);
  });
});

describe('a frame', () => {
  it('of garbage, or of another shard, is counted and dropped, and the next good one is delivered', async () => {
    const node = await HistoryNode.start({ port: redis.port });
    const shard = shardOf('a', shards);
    const client = redis.client();
    for (const bytes of ['', 'Hello!', Buffer.alloc(100_000, 0x91)])
      await client.publish(node.history.pubsubChannel(shard), bytes);
    await node.append('a', 'good');
    await node.hears('a', ['good']);
    expect(node.metrics.framesRejected.values.malformed).toBe(3);
    const writer = new SequencedWriter();
    const elsewhere = Buffer.concat([writer.frameStart((shard + 1) % shards), Buffer.from([0xa0, 0x90])]);
    node.history.frame(shard, elsewhere);
    expect(node.metrics.framesRejected.values.wrong_shard).toBe(1);
  });
});

it('a claim that is shown to be forged appends nothing', async () => {
  const node = await HistoryNode.start({ port: redis.port });
  await node.append('a', 1);
  const client = redis.client();
  const base = `outcry.v1.${shards}.{${shardOf('a', shards)}}`;
  const keys = [`${base}.generation`, `${base}.batch:x`, `${base}.history`];
  const forged = ['forged forged', '1', 'epoch', '', '', ''];
  expect(await client.eval(appendScript.source, 3, ...keys, ...forged)).toBe('generation');
  expect(await client.exists(`${base}.batch:x`)).toBe(0);
  const claimed = ['generation', 'began', 'history'].map((key) => `${base}.${key}`);
  const claim = await client.eval(claimScript.source, 3, ...claimed, 'random', '', '', '');
  expect(claim).toBe(await client.get(`${base}.generation`));
  expect(claim).not.toContain('random');
});
