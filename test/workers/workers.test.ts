/**
 * Several workers on one port, as their clients meet them: without Redis, where their relay is all that joins them, and with one,
 * which the relay shares among them.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestClient } from '../support/client.ts';
import { Follower, type Position, positionIn } from '../support/follower.ts';
import { startHost, type TestHost } from '../support/host.ts';
import { startNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { followers, publishAt, untilAllReady } from '../support/workers.ts';

const namespaces = ['--namespaces', '{"h": {"historySize": 10000}}'];
/** The least that may be set, so that a worker that is frozen is soon cut off. */
const fewBytesWaiting = ['--relay-max-bytes-waiting', '1048576'];

/** Members of a raw room, one on each worker. */
async function members(host: TestHost, room: string): Promise<[TestClient, TestClient]> {
  const found = new Map<string, TestClient>();
  while (found.size < 2) {
    const client = await TestClient.open(`${host.url}/raw/${room}?hello=1`);
    const { node, degraded } = JSON.parse(await client.text());
    const worker = node.slice(-1);
    if (degraded === true) throw new Error(`worker ${worker} says that it does not reach the others`);
    if (found.has(worker)) await client.close();
    else found.set(worker, client);
  }
  const both = ['0', '1'].map((worker) => found.get(worker) as TestClient);
  onTestFinished(async () => void (await Promise.all(both.map((client) => client.close()))));
  return both as [TestClient, TestClient];
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i));

const faultsOf = (all: readonly Follower[]) => all.flatMap(({ faults, gaps }) => [...faults, ...gaps]);

describe.each(['no Redis', 'a Redis'])('two workers and %s', (which) => {
  let redis: TestRedis | null = null;
  let host: TestHost;
  beforeAll(async () => {
    redis = which === 'a Redis' ? await TestRedis.start() : null;
    host = await startHost(2, [
      ...namespaces,
      ...fewBytesWaiting,
      ...(redis === null ? [] : ['--redis', redis.url]),
    ]);
    await untilAllReady(host);
  });
  afterAll(async () => {
    await host.stop();
    await redis?.kill();
  });

  it('hear each other, in order and once', async () => {
    const [zero, one] = await members(host, 'room');
    for (const text of numbers(1, 100)) zero.send(text);
    for (const client of [zero, one])
      for (const text of numbers(1, 100)) expect(await client.text()).toBe(text);
    one.send(Buffer.from([1, 2, 3]));
    expect(await zero.next()).toEqual({ text: false, data: Buffer.from([1, 2, 3]) });
  });

  it('number what is published in a channel with history in one order, wherever it is published', async () => {
    const all = await followers(host, 'h:order', 4);
    const both = [host.process('0'), host.process('1')];
    await Promise.all(
      numbers(1, 100).flatMap((text) =>
        both.map((worker, n) => publishAt(worker, 'h:order', `${n}-${text}`)),
      ),
    );
    const heard = await Promise.all(all.map((follower) => follower.hears(200)));
    for (const texts of heard) expect(texts).toEqual(heard[0]);
    expect(faultsOf(all)).toEqual([]);
  });

  it('give whoever comes back exactly what was missed, on any worker', async () => {
    const [follower] = (await followers(host, 'h:missed', 1)) as [Follower];
    const answers = await Promise.all(numbers(1, 50).map((text) => follower.publish(text)));
    const since = positionIn(answers[19] as Parameters<typeof positionIn>[0]);
    for (let n = 0; n < 4; n += 1) {
      const late = await Follower.join(host.url, 'h:missed', { since });
      expect(late.standing).toMatchObject({ recovered: true, reason: null });
      expect(await late.hears(30)).toEqual(numbers(21, 50));
      await late.close();
    }
  });

  it('have one admin listener: metrics of all, the API of any, and whether one is ready', async () => {
    const [zero] = await members(host, 'counted');
    expect(await host.metric('outcry_workers_listening{worker="host"}')).toBe(2);
    for (const worker of ['0', '1']) await host.untilMetric(`outcry_bridge_connected{worker="${worker}"}`, 1);
    // Bridge and history of each; with Redis each also hears where that is.
    await host.untilMetric('outcry_relay_connections_open{worker="relay"}', redis === null ? 6 : 8);
    const admin = `http://127.0.0.1:${host.adminPort}`;
    expect((await fetch(`${admin}/health/ready`)).status).toBe(200);
    const reply = await fetch(`${admin}/api/publish`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ channel: 'counted', text: 'through the front' }),
    });
    expect(reply.status).toBe(200);
    expect(await zero.text()).toBe('through the front');
    // With Redis the relay is a node of the cluster, without clients. Whichever worker answers has heard the others' beats.
    await until(
      async () => ((await (await fetch(`${admin}/api/nodes`)).json()) as { nodes: unknown[] }).nodes.length,
      (nodes) => nodes === (redis === null ? 2 : 3),
      { what: 'all nodes being known' },
    );
  });

  it('lose only the clients of the one that is killed, and it is started again', async () => {
    const [zero, one] = await members(host, 'killed');
    const killed = host.process('0');
    process.kill(killed.pid, 'SIGKILL');
    expect((await zero.closed).code).toBe(1006);
    one.send('still here');
    expect(await one.text()).toBe('still here');
    await host.untilAnother('0', killed);
    await untilAllReady(host);
    const [again] = await members(host, 'killed');
    one.send('welcome back');
    expect(await again.text()).toBe('welcome back');
    expect(await host.metric('outcry_process_restarts_total{worker="host",process="worker"}')).toBe(1);
    expect(one.socket.readyState).toBe(one.socket.OPEN);
  });

  it('are not held up by one that takes nothing, which has everything again when it goes on', async () => {
    const all = await followers(host, 'h:frozen', 4);
    const [frozen, other] = [host.process('0'), host.process('1')];
    process.kill(frozen.pid, 'SIGSTOP');
    onTestFinished(() => void process.kill(frozen.pid, 'SIGCONT'));
    const large = 'x'.repeat(60_000);
    let published = 0;
    const overflows = 'outcry_relay_connections_closed_total{worker="relay",reason="overflow"}';
    // The kernel takes some as well, beside what may wait in the relay.
    while ((await relayMetric(overflows)) === 0) {
      for (let n = 0; n < 20; n += 1, published += 1)
        expect(await publishAt(other, 'h:frozen', `${published} ${large}`)).toBe(200);
      if (published > 1_000) throw new Error('a thousand large ones, and nobody was cut off');
    }
    process.kill(frozen.pid, 'SIGCONT');
    await untilAllReady(host);
    for (const follower of all) {
      const texts = await follower.hears(published);
      expect(texts.map((text) => Number(text.split(' ')[0]))).toEqual([...texts.keys()]);
      expect(follower.faults).toEqual([]);
      expect(follower.gaps.filter((reason) => reason !== 'bridge_away')).toEqual([]);
    }

    async function relayMetric(series: string): Promise<number> {
      // The front asks the workers in turn, and one of them is frozen.
      const text = await (await fetch(`http://127.0.0.1:${host.adminPort}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.split(' ')[1]);
    }
  });

  it('say so when their relay is killed, and heal: nothing is lost without a word', async () => {
    const all = await followers(host, 'h:relay', 4);
    expect(await publishAt(host.process('0'), 'h:relay', 'before')).toBe(200);
    await Promise.all(all.map((follower) => follower.hears(1)));
    const before = all.map(({ position }) => position as Position);
    const killed = host.process('relay');
    process.kill(killed.pid, 'SIGKILL');
    await host.untilAnother('relay', killed);
    await untilAllReady(host);
    await until(
      () => publishAt(host.process('1'), 'h:relay', 'after'),
      (status) => status === 200,
    );
    for (const [n, follower] of all.entries()) {
      await until(
        () => follower.texts,
        (texts) => texts.at(-1) === 'after',
        { what: 'what came after' },
      );
      expect(follower.faults).toEqual([]);
      const { epoch } = follower.position as Position;
      // What Redis keeps outlives the relay; what the relay kept does not, and everybody is told.
      if (redis === null) {
        expect(follower.gaps).toContain('epoch_changed');
        expect(epoch).not.toBe(before[n]?.epoch);
      } else {
        expect(follower.gaps.filter((reason) => reason !== 'bridge_away')).toEqual([]);
        expect(epoch).toBe(before[n]?.epoch);
      }
    }
    const [zero, one] = await members(host, 'healed');
    zero.send('joined again');
    expect(await one.text()).toBe('joined again');
  });

  it.runIf(which === 'a Redis')(
    'are one with other hosts, and Redis sends each frame once for both',
    async () => {
      const other = await startNode(['--redis', (redis as TestRedis).url, ...namespaces]);
      onTestFinished(async () => void (await other.stop()));
      await other.untilReady(200);
      const [zero, one] = await members(host, 'far');
      const far = await TestClient.open(`${other.url}/raw/far?hello=1`);
      onTestFinished(() => far.close());
      await far.text();
      far.send('from afar');
      for (const client of [zero, one, far]) expect(await client.text()).toBe('from afar');
      zero.send('to afar');
      for (const client of [zero, one, far]) expect(await client.text()).toBe('to afar');
      const subscribers = await (redis as TestRedis).client().pubsub('NUMSUB', 'outcry.v1.beat');
      // The relay of the host, and the other node.
      expect(Number(subscribers[1])).toBe(2);
    },
  );

  it('all stop with the host, and leave nothing', async () => {
    const [zero, one] = await members(host, 'end');
    const parts = ['0', '1', 'relay'].map((part) => host.process(part).pid);
    const socket = socketOf(host.process('relay').pid);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await host.stop()).toBe(0);
    for (const client of [zero, one]) expect((await client.closed).code).toBe(1001);
    expect(parts.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(existsSync(socket)).toBe(false);
  });
});

/** The Unix socket that a process was told to listen on. */
function socketOf(pid: number): string {
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return args[args.indexOf('--relay-socket') + 1] ?? '';
}
