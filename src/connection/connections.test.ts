import { beforeEach, describe, expect, test } from 'vitest';
import { openConnection } from '../../test/support/idle-protocol.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connections } from './connections.ts';

let metrics: Metrics;
let connections: Connections;

beforeEach(() => {
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 40, maxControlFrames: 5 }, metrics);
});

function open(count: number) {
  return Array.from({ length: count }, () => openConnection(connections));
}

describe('the open connections', () => {
  test('stand evenly in their slots', () => {
    open(40);
    const sizes = connections.slots.map((slot) => slot.length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(40);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test('are all found, each once', () => {
    const opened = open(20).map(({ connection }) => connection);
    const found = [...connections];
    expect(found).toHaveLength(20);
    expect(new Set(found)).toEqual(new Set(opened));
  });

  test('stay findable, each once, whoever leaves', () => {
    const opened = open(40);
    const left = opened.filter((_, index) => index % 3 === 0 || index > 30);
    for (const { connection } of left) connection.closed({ code: 1000 });
    const here = opened.filter((each) => !left.includes(each)).map(({ connection }) => connection);
    expect([...connections]).toHaveLength(here.length);
    expect(new Set(connections)).toEqual(new Set(here));
    for (const connection of here) connection.closed({ code: 1000 });
    expect([...connections]).toEqual([]);
    expect(connections.open).toBe(0);
  });

  test('may leave while they are visited, and everybody is visited all the same', () => {
    const opened = open(40);
    const visited = new Set<unknown>();
    for (const connection of connections) {
      visited.add(connection);
      if (visited.size % 2 === 0) connection.closed({ code: 1000 });
    }
    expect(visited.size).toBe(opened.length);
    expect(connections.open).toBe(20);
  });

  test('are counted while they are open', () => {
    const [first] = open(3);
    first?.connection.closed({ code: 1000 });
    expect(connections.open).toBe(2);
    expect(metrics.connectionsOpen.value).toBe(2);
    expect(metrics.connectionsOpened.value).toBe(3);
    expect(metrics.connectionsClosed.values).toMatchObject({ client: 1, abnormal: 0 });
    expect([...connections]).not.toContain(first?.connection);
  });

  test('are not counted down twice for one that is gone', () => {
    const [first] = open(2);
    first?.connection.closed({ code: 1000 });
    if (first !== undefined) connections.remove(first.connection, 'abnormal');
    expect(connections.open).toBe(1);
    expect(metrics.connectionsClosed.values.abnormal).toBe(0);
  });

  test('hand their cap on control frames to each connection', () => {
    const [first] = open(1);
    for (let count = 0; count < 6; count += 1) first?.connection.controlFrame();
    expect(first?.socket.closes).toEqual([1008]);
  });
});

describe('full', () => {
  test('is a node with as many connections as it may hold, until one leaves', () => {
    const opened = open(39);
    expect(connections.full).toBe(false);
    open(1);
    expect(connections.full).toBe(true);
    opened[0]?.connection.closed({ code: 1000 });
    expect(connections.full).toBe(false);
  });
});
