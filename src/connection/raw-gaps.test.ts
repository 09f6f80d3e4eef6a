import { beforeEach, describe, expect, test } from 'vitest';
import { newBroadcaster } from '../../test/support/broadcaster.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { FakeSocket } from '../../test/support/fake-socket.ts';
import { newHub } from '../../test/support/hub.ts';
import { openConnection } from '../../test/support/idle-protocol.ts';
import type { Hub } from '../channel/hub.ts';
import { closeCodes } from '../close-codes.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { RawGaps } from './raw-gaps.ts';
import { RawRoom, type RawState } from './raw-room.ts';

const spreadMs = 1_000;
/** Gathering, and the last look. */
const slackMs = 100;

let clock: FakeClock;
let metrics: Metrics;
let connections: Connections;
let hub: Hub;
let gaps: RawGaps;
/** What `random` gives, the last one again and again. */
let chances: number[];

beforeEach(() => {
  clock = new FakeClock();
  metrics = new Metrics();
  connections = new Connections('boot', { maxConnections: 100, maxControlFrames: 5 }, metrics);
  chances = [0.5];
  gaps = new RawGaps({
    connections,
    closes: (channel) => channel !== 'spared',
    spreadMs,
    clock,
    random: () => (chances.length > 1 ? chances.shift() : chances[0]) as number,
  });
  hub = newHub({
    onRawGap: (channel) => gaps.missed(channel),
    clock,
    metrics,
  });
});

function join(channel: string) {
  const room = new RawRoom({
    broadcaster: newBroadcaster({ hub }),
    hub,
    policy: { mayPublish: () => true, maxPayloadBytes: () => 8 },
    metrics,
    hello: null,
  });
  return new FakeSocket(new Connection<RawState>(room, channel, connections));
}

const closed = (sockets: readonly FakeSocket[]) => sockets.map(({ closes }) => closes.length);

describe('a gap', () => {
  test('ends the raw members of its channel with a code to come back, and nobody else', () => {
    const [one, two, other, spared] = ['left', 'left', 'right', 'spared'].map(join) as [
      ...[FakeSocket, FakeSocket, FakeSocket, FakeSocket],
    ];
    const idle = openConnection(connections);
    hub.gap('bridge', (channel) => channel !== 'right');
    clock.advance(spreadMs + slackMs);
    expect([one.closes, two.closes]).toEqual([[closeCodes.gap.code], [closeCodes.gap.code]]);
    expect(closeCodes.gap.comeBack).toBe(true);
    expect(closed([other, spared, idle.socket])).toEqual([0, 0, 0]);
    expect(metrics.connectionsClosed.values.gap).toBe(2);
    expect(clock.timers).toBe(0);
  });

  test('ends them at random moments within the window', () => {
    chances = [0.9, 0, 0.5];
    const [late, early, middle] = ['a', 'a', 'a'].map(join) as [FakeSocket, FakeSocket, FakeSocket];
    // They are visited from the end of their slots: with one in each, in the order in which they came.
    hub.gap('bridge', () => true);
    clock.advance(slackMs);
    expect(closed([early, middle, late])).toEqual([1, 0, 0]);
    clock.advance(spreadMs / 2);
    expect(closed([early, middle, late])).toEqual([1, 1, 0]);
    clock.advance(spreadMs / 2);
    expect(closed([early, middle, late])).toEqual([1, 1, 1]);
  });

  test('is one of many of a moment: each member is ended once', () => {
    const member = join('a');
    hub.gap('bridge', () => true);
    hub.gap('bridge_away', () => true);
    clock.advance(slackMs);
    hub.gap('bridge', () => true);
    clock.advance(spreadMs + slackMs);
    expect(member.closes).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  test('does not concern who comes later', () => {
    join('a');
    hub.gap('bridge', () => true);
    clock.advance(slackMs);
    const later = join('a');
    clock.advance(spreadMs + slackMs);
    expect(closed([later])).toEqual([0]);
  });

  test('waits for members to take what waits for them, but not for long', () => {
    const [reading, stuck] = [join('a'), join('a')];
    reading.waiting = 10;
    stuck.waiting = 10;
    hub.gap('bridge', () => true);
    clock.advance(spreadMs / 2 + slackMs);
    expect(closed([reading, stuck])).toEqual([0, 0]);
    reading.waiting = 0;
    clock.advance(slackMs);
    expect(closed([reading, stuck])).toEqual([1, 0]);
    clock.advance(1_000);
    expect(stuck).toMatchObject({ closes: [], terminations: 1 });
    expect(metrics.connectionsClosed.values.gap).toBe(2);
    expect(clock.timers).toBe(0);
  });

  test('ends nobody after a stop', () => {
    const member = join('a');
    hub.gap('bridge', () => true);
    clock.advance(slackMs);
    gaps.stop();
    clock.advance(spreadMs + slackMs);
    expect(closed([member])).toEqual([0]);
    expect(clock.timers).toBe(0);
  });
});
