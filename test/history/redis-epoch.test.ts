/**
 * Nobody is told that he missed nothing when something may have been lost: whatever happens to Redis, a position from before
 * is void.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Publication } from '../../src/channel/publication.ts';
import { shardOf } from '../../src/protocol/shard.ts';
import { TcpProxy } from '../faults/lab/tcp-proxy.ts';
import { TestRedis, type TestRedisOptions } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { confirmed } from './history.suite.ts';
import { HistoryNode, shards } from './history-node.ts';

async function start({ flags = [] }: TestRedisOptions = {}): Promise<TestRedis> {
  // A master waits for more replicas before it synchronises one, unless it is told not to.
  const redis = await TestRedis.start({ flags: ['--repl-diskless-sync-delay', '0', ...flags] });
  onTestFinished(() => redis.kill());
  return redis;
}

const keyOf = (kind: string, channel: string) =>
  `outcry.v1.${shards}.{${shardOf(channel, shards)}}.${kind}:${channel}`;

async function caughtUp(replica: TestRedis, channel: string): Promise<void> {
  const client = replica.client();
  await until(
    () => client.exists(keyOf('log', channel)),
    (count) => count === 1,
    { what: 'the replica having the log' },
  );
}

describe('the position of whoever was there before is void', () => {
  it('when Redis was emptied under a living connection', async () => {
    const redis = await start();
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2, 3);
    await redis.client().flushall();
    const after = await node.append('a', 4);
    expect(after.offset).toBe(1);
    expect(after.epoch).not.toBe(before.epoch);
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
    expect(await node.comeBack('a', { ...after, offset: 0 })).toEqual(['4']);
    expect(node.metrics.claimsChanged.value).toBe(1);
  });

  it('when Redis was emptied and nobody has published since', async () => {
    const redis = await start();
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2, 3);
    await redis.client().flushall();
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
  });

  it('when another node has found another generation, although this one read a moment ago', async () => {
    const redis = await start();
    const [left, right] = await Promise.all([
      HistoryNode.start({ port: redis.port }),
      HistoryNode.start({ port: redis.port }),
    ]);
    const before = await left.append('a', 1, 2, 3);
    expect(await right.comeBack('a', { ...before, offset: 1 })).toEqual(['2', '3']);
    await redis.client().del(`outcry.v1.${shards}.{${shardOf('a', shards)}}.generation`);
    expect(await left.append('a', 4)).toMatchObject({ offset: 4 });
    expect(await right.comeBack('a', before)).toBe('epoch_changed');
  });

  it('when Redis came back empty', async () => {
    const redis = await start();
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2, 3);
    await redis.kill();
    await node.away();
    expect(await node.publish('a', 4)).toEqual({ outcome: 'failed' });
    await redis.start();
    await node.ready();
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
    await node.append('a', 5);
    expect(await node.kept('a')).toEqual(['5']);
  });

  it('when Redis came back with what it had written to disk, which may not be all', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-history-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const redis = await start({ flags: ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder] });
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2, 3);
    await redis.kill();
    await node.away();
    await redis.start();
    await node.ready();
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
    // What is there is still good for who comes late.
    expect(await node.kept('a')).toEqual(['1', '2', '3']);
    expect((await node.append('a', 4)).offset).toBe(4);
  });

  it('and what had the latest values has those that are still there, at a position of the new epoch', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outcry-history-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const redis = await start({ flags: ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder] });
    const latest = { maxKeys: 10, maxBytes: 1_000 };
    const node = await HistoryNode.start({
      port: redis.port,
      retention: () => ({ size: 0, ttlMs: 60_000, latest }),
    });
    const set = (key: string) => node.history.append('a', [Publication.text(key, 0).withKey(key)]);
    const before = confirmed(await set('x'));
    await set('y');
    await redis.kill();
    await node.away();
    await redis.start();
    await node.ready();
    const snapshot = await node.history.latest('a');
    expect(snapshot?.publications.map(({ key }) => key)).toEqual(['x', 'y']);
    expect(snapshot?.epoch).not.toBe(before.epoch);
    expect(confirmed(await set('z'))).toEqual({ epoch: snapshot?.epoch, offset: 3 });
  });

  it('when a replica was promoted that lacks what was confirmed', async () => {
    const [master, replica] = await Promise.all([start(), start()]);
    await replica.client().replicaof('127.0.0.1', master.port);
    const node = await HistoryNode.start({ port: master.port });
    const shared = await node.append('a', 1, 2, 3);
    await caughtUp(replica, 'a');
    await replica.client().replicaof('NO', 'ONE');
    const lost = await node.append('a', 'lost 4', 'lost 5');

    const promoted = await HistoryNode.start({ port: replica.port });
    await promoted.append('a', 'other 4', 'other 5', 'other 6');
    for (const before of [shared, lost]) expect(await promoted.comeBack('a', before)).toBe('epoch_changed');
  });

  it('when somebody went on appending elsewhere after others had come to the new master', async () => {
    const [old, fresh] = await Promise.all([start(), start()]);
    const proxy = await TcpProxy.start(old.port);
    onTestFinished(() => proxy.stop());
    const [late, early] = await Promise.all([
      HistoryNode.start({ port: proxy.port }),
      HistoryNode.start({ port: fresh.port }),
    ]);
    const before = await early.append('a', 1);
    await late.append('a', 'lost 2');
    proxy.leadTo(fresh.port);
    // All are told, without anybody asking: of the one that `early` began, and now of another one.
    await until(
      () => early.generations,
      (told) => told.length === 2,
      { what: 'a new generation' },
    );
    expect(await early.comeBack('a', before)).toBe('epoch_changed');
    expect(await early.append('a', 3)).toMatchObject({ offset: 2 });
    // Once is enough.
    const after = await late.append('a', 4);
    await late.reconnects();
    expect(await late.comeBack('a', after)).toEqual([]);
  });

  it('but not when whoever comes to the new master had appended nothing since', async () => {
    const [old, fresh] = await Promise.all([start(), start()]);
    const proxy = await TcpProxy.start(old.port);
    onTestFinished(() => proxy.stop());
    const late = await HistoryNode.start({ port: proxy.port });
    await late.append('a', 'lost');
    const early = await HistoryNode.start({ port: fresh.port });
    const before = await early.append('a', 1);
    await late.reconnects(() => proxy.leadTo(fresh.port));
    expect(await late.append('a', 2)).toEqual({ ...before, offset: 2 });
  });

  it('when a replica was promoted and somebody comes back before anything is published', async () => {
    const [master, replica] = await Promise.all([start(), start()]);
    await replica.client().replicaof('127.0.0.1', master.port);
    const node = await HistoryNode.start({ port: master.port });
    const before = await node.append('a', 1, 2, 3);
    await caughtUp(replica, 'a');
    await replica.client().replicaof('NO', 'ONE');
    const promoted = await HistoryNode.start({ port: replica.port });
    expect(await promoted.comeBack('a', { ...before, offset: 2 })).toBe('epoch_changed');
  });

  it('when a master was demoted, took over what another one had, and was promoted again, all under one connection', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    await second.client().replicaof('127.0.0.1', first.port);
    const node = await HistoryNode.start({ port: first.port });
    await node.append('a', 1, 2, 3);
    await caughtUp(second, 'a');
    await second.client().replicaof('NO', 'ONE');
    const before = await node.append('a', 'lost 4');

    const admin = first.client();
    await admin.replicaof('127.0.0.1', second.port);
    await until(
      () => admin.info('replication'),
      (info) => info.includes('master_link_status:up'),
      { what: 'the old master following the new one' },
    );
    await admin.replicaof('NO', 'ONE');
    await until(
      () => node.history.top('a'),
      (top) => top !== null && top.epoch !== before.epoch,
      { what: 'another epoch' },
    );
    expect(await node.kept('a')).toEqual(['1', '2', '3']);
    expect(await node.comeBack('a', { ...before, offset: 3 })).toBe('epoch_changed');
  });

  it.each(['top', 'log'])('when the key of the %s was deleted and the other was not', async (kind) => {
    const redis = await start();
    const node = await HistoryNode.start({ port: redis.port });
    const publish = { a: await node.append('a', 1, 2, 3), b: await node.append('b', 1, 2, 3) };
    await redis.client().del(keyOf(kind, 'a'), keyOf(kind, 'b'));
    // Whether somebody asks first or publishes first.
    expect(await node.comeBack('a', publish.a)).toBe('epoch_changed');
    expect(await node.append('b', 4)).toMatchObject({ offset: 1 });
    expect(await node.comeBack('b', publish.b)).toBe('epoch_changed');
    expect(await node.kept('b')).toEqual(['4']);
    expect(await node.append('a', 4)).toMatchObject({ offset: 1 });
  });

  it.each([0, 1, 2])('when the log was deleted of a channel that was read %i times', async (reads) => {
    const redis = await start();
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2, 3);
    for (let i = 0; i < reads; i += 1) await node.history.top('a');
    await redis.client().del(keyOf('log', 'a'));
    expect(await node.append('a', 4)).toMatchObject({ offset: 1 });
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
  });

  it.each<[string, string, (client: ReturnType<TestRedis['client']>, key: string) => Promise<unknown>]>([
    ['a log that is a list', 'log', (client, key) => client.del(key).then(() => client.rpush(key, 'x'))],
    [
      'a numbering that is a list',
      'top',
      (client, key) => client.del(key).then(() => client.rpush(key, 'x')),
    ],
    ['a numbering that is none', 'top', (client, key) => client.set(key, 'x')],
    ['a numbering behind the log', 'top', (client, key) => client.set(key, 'forged 1 9999999999999')],
    [
      'a numbering at its end',
      'top',
      (client, key) => client.set(key, 'forged 9007199254740991 9999999999999'),
    ],
    ['a foreign entry far ahead', 'log', (client, key) => client.xadd(key, '*', 'b', 'x')],
  ])('after %s, as soon as something is published', async (_name, kind, damage) => {
    const redis = await start();
    const node = await HistoryNode.start({ port: redis.port });
    const before = await node.append('a', 1, 2, 3);
    await damage(redis.client(), keyOf(kind, 'a'));
    expect(await node.append('a', 4, 5)).toMatchObject({ offset: 2 });
    expect(await node.comeBack('a', before)).toBe('epoch_changed');
    expect(await node.kept('a')).toEqual(['4', '5']);
  });
});

describe('the position of whoever was there before stays true', () => {
  it('for another node, and over a new connection to the same server', async () => {
    const redis = await start();
    const [left, right] = await Promise.all([
      HistoryNode.start({ port: redis.port }),
      HistoryNode.start({ port: redis.port }),
    ]);
    const before = await left.append('a', 1, 2, 3);
    await redis.client().call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for (const node of [left, right])
      await until(
        () => node.connects === 2 && node.history.ready,
        (again) => again,
        { what: 'a new connection' },
      );
    await left.append('a', 4);
    expect(await right.comeBack('a', before)).toEqual(['4']);
    expect(await left.comeBack('a', before)).toEqual(['4']);
  });
});
