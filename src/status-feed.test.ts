import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../test/support/fake-clock.ts';
import { reportOf } from '../test/support/status-report.ts';
import type { ClusterNode } from './bridge/cluster.ts';
import { Metrics } from './metrics/metrics.ts';
import { allTogether, countersOf } from './status-report.ts';
import { StatusFeed, statusChannel } from './status-feed.ts';

let clock: FakeClock;
let metrics: Metrics;
let others: ClusterNode[];
let published: [string, string][];
let asked: number;
let unwatched: number;
let feed: StatusFeed;

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  others = [];
  published = [];
  asked = 0;
  unwatched = 0;
  feed = new StatusFeed({
    broadcaster: { publish: (channel, { text }) => void published.push([channel, text]) },
    cluster: { nodes: () => others },
    report() {
      asked += 1;
      return reportOf('a');
    },
    onUnwatched() {
      unwatched += 1;
    },
    clock,
    metrics: metrics.dashboard,
  });
});

const nodeWith = (viewers: number): ClusterNode => ({
  nodeId: 'other',
  bootId: 'o',
  counts: { connections: 0, channels: 0, subscriptions: 0, state: 'ready', viewers },
  lastBeatAgeMs: 0,
});

describe('the feed', () => {
  test('says nothing, and asks for nothing, while nobody watches', () => {
    others = [nodeWith(0), { ...nodeWith(0), counts: null }];
    clock.advance(10_000);
    feed.tell();
    expect([published, asked, unwatched]).toEqual([[], 0, 0]);
  });

  test('speaks once a second while somebody watches here', () => {
    metrics.dashboard.viewers.value = 1;
    clock.advance(3_000);
    expect(published).toHaveLength(3);
    expect(published[0]?.[0]).toBe(statusChannel);
    expect(JSON.parse(published[0]?.[1] ?? '')).toMatchObject({ node: 'a', state: 'ready' });
    expect(metrics.dashboard.reports.value).toBe(3);
  });

  test('speaks while somebody watches on another node, until nobody does', () => {
    others = [nodeWith(0), nodeWith(2)];
    clock.advance(2_000);
    expect(published).toHaveLength(2);
    others = [nodeWith(0)];
    clock.advance(2_000);
    expect([published.length, unwatched]).toEqual([2, 1]);
  });

  test('may be asked for a word out of turn', () => {
    metrics.dashboard.viewers.value = 1;
    clock.advance(1_000);
    feed.tell();
    expect(published).toHaveLength(2);
  });

  test('leaves no timer behind', () => {
    feed.stop();
    expect(clock.timers).toBe(0);
  });
});

describe('a report', () => {
  test('adds up what belongs together', () => {
    metrics.publicationsReceived.value = 3;
    metrics.apiPublications.value = 4;
    metrics.gapsTold.values.bridge = 2;
    metrics.gapsTold.values.healed = 5;
    metrics.bridge.publicationsDropped.values.away = 6;
    metrics.history.publicationsNotAppended.values.failed = 1;
    metrics.history.recoveries.values.recovered = 8;
    metrics.history.recoveries.values.too_much = 1;
    expect(countersOf(metrics)).toMatchObject({
      published: 7,
      gaps: 2,
      dropped: 7,
      recovered: 8,
      notRecovered: 1,
    });
  });

  test('has the latency of all namespaces but that of the nodes themselves', () => {
    metrics.publishToWrite.of('default').observeMs(4, 2);
    metrics.publishToWrite.of('prices').observeMs(4);
    metrics.publishToWrite.of('$outcry').observeMs(4, 100);
    const { counts } = allTogether(metrics.publishToWrite, '$outcry');
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3);
  });
});
