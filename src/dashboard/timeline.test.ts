import { beforeEach, describe, expect, test } from 'vitest';
import { reportOf } from '../../test/support/status-report.ts';
import { Cluster } from './cluster.js';
import { maxMoments, Timeline } from './timeline.js';

let timeline: Timeline;
let cluster: Cluster;

beforeEach(() => {
  timeline = new Timeline();
  cluster = new Cluster();
});

/** A second in which nodes said how many connections they have. */
function second(now: number, connections: Record<string, number>): void {
  for (const [node, count] of Object.entries(connections))
    cluster.take(reportOf(node, { uptimeMs: now, gauges: { connections: count } }), now);
  timeline.push(cluster.picture(now));
}

describe('the lines', () => {
  test('are one for each node, with a hole where it said nothing', () => {
    second(1_000, { a: 1 });
    second(2_000, { a: 2, b: 5 });
    expect(timeline.byNode('connections', 60)).toEqual({
      names: ['a', 'b'],
      columns: [
        [1, 2],
        [1, 2],
        [null, 5],
      ],
    });
  });

  test('are of the last seconds only', () => {
    for (let i = 1; i <= 10; i += 1) second(i * 1_000, { a: i });
    expect(timeline.byNode('connections', 3).columns).toEqual([
      [8, 9, 10],
      [8, 9, 10],
    ]);
  });

  test('are in another list when there is another node', () => {
    second(1_000, { a: 1 });
    const { names } = timeline.byNode('connections', 60);
    second(2_000, { a: 1, b: 1 });
    expect(names).toEqual(['a']);
  });

  test('of more nodes than there are colours are joined: sums, and of CPU the most', () => {
    const names = Array.from({ length: 10 }, (_, i) => `n${i}`);
    second(1_000, Object.fromEntries(names.map((name) => [name, 1])));
    const connections = timeline.byNode('connections', 60);
    expect(connections.names).toEqual([...names.slice(0, 7), '3 others']);
    expect(connections.columns.at(-1)).toEqual([3]);
    expect(timeline.byNode('cpu', 60).names.at(-1)).toBe('busiest of 3 others');
    expect(names.map((name) => timeline.lineOf(name))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 7, 7]);
  });

  test('of quantiles are those of all nodes together', () => {
    second(1_000, { a: 1 });
    expect(timeline.byQuantile('write', ['p50', 'p99'], 60)).toEqual({
      names: ['p50', 'p99'],
      columns: [[1], [null], [null]],
    });
  });

  test('are not kept for ever', () => {
    for (let i = 1; i <= maxMoments + 50; i += 1) second(i * 1_000, { a: i });
    expect(timeline.byNode('connections', 1e9).columns[0]).toHaveLength(maxMoments);
  });
});
