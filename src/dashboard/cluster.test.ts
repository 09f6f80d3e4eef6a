import { beforeEach, describe, expect, test } from 'vitest';
import { type ReportParts, reportOf } from '../../test/support/status-report.ts';
import { Cluster } from './cluster.js';

let cluster: Cluster;

beforeEach(() => {
  cluster = new Cluster();
});

const take = (node: string, now: number, parts: ReportParts = {}) =>
  cluster.take(JSON.parse(JSON.stringify(reportOf(node, { uptimeMs: now, ...parts }))), now);
const statesAt = (now: number) =>
  Object.fromEntries(cluster.picture(now).nodes.map(({ node, state }) => [node, state]));

describe('rates', () => {
  test('are between two reports of one boot, by the clock of the node', () => {
    take('a', 1_000, { counters: { deliveries: 100 } });
    expect(cluster.picture(1_000).rates).toBeNull();
    take('a', 3_100, { uptimeMs: 3_000, counters: { deliveries: 300 } });
    expect(cluster.picture(3_100).nodes[0]?.rates?.deliveries).toBe(100);
  });

  test('of a node that was started again begin anew', () => {
    take('a', 1_000, { counters: { deliveries: 100 } });
    take('a', 2_000, { counters: { deliveries: 200 } });
    take('a', 3_000, { boot: 'another', uptimeMs: 10, counters: { deliveries: 5 } });
    const [again] = cluster.picture(3_000).nodes.filter(({ boot }) => boot === 'another');
    expect(again?.rates).toBeNull();
  });

  test('of all nodes are added up, and CPU is of one core', () => {
    for (const node of ['a', 'b']) {
      take(node, 1_000);
      take(node, 2_000, { counters: { published: 7, cpuMs: 250 } });
    }
    const { rates, nodes } = cluster.picture(2_000);
    expect(rates?.published).toBe(14);
    expect(nodes.map(({ cpuPercent }) => cpuPercent)).toEqual([25, 25]);
  });
});

describe('a node', () => {
  test('that says nothing is silent, then gone, then forgotten', () => {
    take('a', 0);
    expect(statesAt(3_000)).toEqual({ a: 'ready' });
    expect(statesAt(5_000)).toEqual({ a: 'silent' });
    expect(statesAt(16_000)).toEqual({ a: 'gone' });
    expect(statesAt(130_000)).toEqual({});
  });

  test('that said it stops and then nothing has ended', () => {
    take('a', 0, { state: 'stopping' });
    expect(statesAt(1_000)).toEqual({ a: 'stopping' });
    expect(statesAt(4_000)).toEqual({ a: 'gone' });
  });

  test('that was started anew takes the place of what it was, but not of another one of its name', () => {
    take('a', 0);
    take('a', 5_000, { boot: 'again' });
    const states = (now: number) =>
      cluster.picture(now).nodes.map(({ boot, state, replaced }) => [boot, state, replaced]);
    expect(states(5_000)).toEqual([
      ['again', 'ready', false],
      ['a-boot', 'gone', true],
    ]);
    for (const now of [6_000, 7_000]) for (const boot of ['a-boot', 'again']) take('a', now, { boot });
    expect(states(7_000).map(([, , replaced]) => replaced)).toEqual([false, false]);
  });

  test('is not blamed for a silence in which this page could not hear', () => {
    take('a', 0);
    cluster.excuse(20_000);
    expect(statesAt(20_500)).toEqual({ a: 'ready' });
  });

  test('that is silent or gone counts in no rate, and one that is gone in no sum', () => {
    for (const now of [0, 1_000]) {
      take('a', now, { gauges: { connections: 5 }, counters: { deliveries: now } });
      take('b', now, { gauges: { connections: 7 }, counters: { deliveries: now } });
    }
    for (const now of [10_000, 11_000])
      take('a', now, { gauges: { connections: 5 }, counters: { deliveries: now } });
    expect(cluster.picture(11_000)).toMatchObject({
      sums: { connections: 12 },
      rates: { deliveries: 1_000 },
    });
    expect(cluster.picture(20_000)).toMatchObject({ sums: { connections: 5 } });
  });

  test('stands in order of its name, numbers as numbers, and behind all others when it is gone', () => {
    take('node-1', 0);
    for (const node of ['node-10', 'node-9']) take(node, 20_000);
    expect(cluster.picture(20_000).nodes.map(({ node }) => node)).toEqual(['node-9', 'node-10', 'node-1']);
  });
});

test('a channel is as busy as on the node that heard most, and its deliveries are those of all', () => {
  const busiest = (subscribers: number, publications: number) => ({
    busiest: { overMs: 2_000, channels: [{ channel: 'chat', publications, subscribers }] },
  });
  take('a', 1_000, busiest(3, 20));
  take('b', 1_000, busiest(5, 18));
  expect(cluster.picture(1_000).channels).toEqual([
    { channel: 'chat', rate: 10, deliveries: 30 + 45, subscribers: 8 },
  ]);
});

test('more nodes than a cluster has are not remembered', () => {
  for (let i = 0; i < 1_500; i += 1) take(`n${i}`, 0);
  expect(cluster.picture(0).nodes).toHaveLength(1_000);
});
