import { expect, test } from 'vitest';
import { type ReportParts, reportOf } from '../../test/support/status-report.ts';
import { Cluster } from './cluster.js';
import { eventsBetween } from './story.js';

/** What is told of one second, before and after which nodes said this. */
function told(
  before: Record<string, ReportParts>,
  after: Record<string, ReportParts>,
  { silentMs = 0 } = {},
): string[] {
  const cluster = new Cluster();
  const take = (nodes: Record<string, ReportParts>, now: number) => {
    for (const [node, parts] of Object.entries(nodes))
      cluster.take(reportOf(node, { uptimeMs: now, ...parts }), now);
  };
  take(before, 1_000);
  const earlier = cluster.picture(1_000);
  take(after, 2_000);
  return eventsBetween(earlier, cluster.picture(2_000 + silentMs)).map(
    ({ weight, text }) => `${weight}: ${text}`,
  );
}

test('what is there when the page is opened is no news', () => {
  expect(eventsBetween(null, new Cluster().picture(0))).toEqual([]);
  expect(told({}, { a: {} })).toEqual([]);
  expect(told({ a: {} }, { a: {} })).toEqual([]);
});

test('a node that comes, and one that comes back', () => {
  expect(told({ a: {} }, { a: {}, b: { runtime: 'node' } })).toEqual([
    'good: b is here (node, version 0.1.0)',
  ]);
  expect(told({ a: {} }, { a: { boot: 'again' } })).toContain(
    'good: a is back, started anew (bun, version 0.1.0)',
  );
});

test('one that was there before the page was is no news, and what ended is told before what took its place', () => {
  expect(told({ a: {} }, { a: {}, b: { uptimeMs: 60_000 } })).toEqual([]);
  const cluster = new Cluster();
  cluster.take(reportOf('a', { uptimeMs: 1_000, gauges: { connections: 3 } }), 1_000);
  const before = cluster.picture(1_000);
  cluster.take(reportOf('a', { boot: 'again', uptimeMs: 10 }), 6_000);
  expect(eventsBetween(before, cluster.picture(6_000)).map(({ text }) => text)).toEqual([
    'a is gone without a word; it had 3 clients',
    'a is back, started anew (bun, version 0.1.0)',
  ]);
});

test('a drain, from its beginning to its end', () => {
  const stopping = { a: { state: 'stopping' as const, gauges: { connections: 41 } } };
  expect(told({ a: {} }, stopping)).toEqual([
    'wait: a is draining: 41 clients are told to come back elsewhere',
  ]);
  expect(told(stopping, {}, { silentMs: 5_000 })).toEqual(['note: a has ended, as it said']);
});

test('a node that dies is silent first', () => {
  expect(told({ a: { gauges: { connections: 41 } } }, {}, { silentMs: 5_000 })).toEqual([
    'bad: a says nothing',
  ]);
  expect(told({ a: { gauges: { connections: 41 } } }, {}, { silentMs: 30_000 })).toEqual([
    'bad: a is gone without a word; it had 41 clients',
  ]);
});

test('Redis that goes away, and what it costs', () => {
  const away = { state: 'waiting' as const, lacking: ['redis', 'history'], bridge: false };
  expect(told({ a: {} }, { a: { ...away, counters: { dropped: 12 } } })).toEqual([
    'bad: a is not ready: it waits for Redis and the histories in Redis',
    'bad: a does not reach the other nodes',
    'bad: a: 12 publications did not get to the others',
  ]);
  expect(told({ a: away }, { a: { counters: { gaps: 1 } } })).toEqual([
    'good: a is ready',
    'good: a reaches the other nodes again',
    'wait: a: a channel was told of a possible gap',
  ]);
});
