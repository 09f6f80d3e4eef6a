/**
 * A reader of a channel with the latest values that is too slow: it is spared what it need not get, and stays connected; when it
 * has taken what waited it gets the values as they are, marked `conflated`, and hears what is live again.
 */
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/client/client.ts';
import { pausableWebSockets } from '../faults/lab/pausable-web-socket.ts';
import { aloneAndOverRedis, startAloneOrOverRedis } from '../support/alone-or-over-redis.ts';
import type { Subprotocol } from '../support/native-client.ts';
import type { TestNode } from '../support/node.ts';
import { type Position, StateFollower } from '../support/state-follower.ts';
import { calm } from '../support/surroundings.ts';
import { until } from '../support/until.ts';

const channel = 'l:a';
const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
const padding = 'x'.repeat(2_000);
const conflations = 'outcry_conflations_total';

let node: TestNode;
let round: number;

async function start(withRedis: boolean): Promise<void> {
  round = 0;
  node = await startAloneOrOverRedis(withRedis, ['--namespaces', '{"l": {"latest": 100}}']);
}

async function join(subprotocol: Subprotocol): Promise<StateFollower> {
  const follower = await StateFollower.join(node.url, channel, {}, subprotocol);
  onTestFinished(() => follower.close());
  return follower;
}

/** Gives every key another value, and resolves with where that ends. */
async function update(by: StateFollower): Promise<Position> {
  round += 1;
  const answers = await Promise.all(keys.map((key) => by.set(key, `${round} ${padding}`)));
  const end = answers.at(-1) as Position;
  await by.reaches(end);
  return end;
}

async function untilConflated(by: StateFollower): Promise<void> {
  while ((await node.metric(conflations)) === 0) await update(by);
}

describe.each(aloneAndOverRedis)('%s', (_where, withRedis) => {
  beforeEach(() => start(withRedis));

  it.each(['outcry.v1.json', 'outcry.v1.msgpack'] as const)(
    'it is brought back by a snapshot and goes on, in %s',
    async (subprotocol) => {
      const [slow, other] = [await join(subprotocol), await join('outcry.v1.msgpack')];
      await update(other);
      slow.stopReading();
      await untilConflated(other);
      // What it is spared: it gets the newest of these alone.
      for (let more = 0; more < 5; more += 1) await update(other);
      await other.set('gone', 'x');
      const end = (await other.set('gone', null)) as Position;
      slow.read();
      expect(await slow.isReplaced(1)).toEqual([['conflated', keys.length]]);
      expect(slow.position).toEqual(end);
      expect(slow.values).toEqual(other.values);
      expect(slow.heard.length).toBeLessThan(round * keys.length);
      await node.untilMetric('outcry_resyncs_total{result="done"}', 1);

      // It hears the topic again, exactly once.
      const heard = slow.heard.length;
      await slow.reaches(await update(other));
      expect(slow.heard.slice(heard).map((each) => each.split('=')[0])).toEqual(keys);
      expect(slow.values).toEqual(other.values);
      expect([slow.snapshots.length, slow.gaps, slow.faults]).toEqual([1, [], []]);
      expect([other.snapshots, other.gaps, other.faults]).toEqual([[], [], []]);
      expect(await node.metric('outcry_connections_closed_total{reason="slow_consumer"}')).toBe(0);
    },
  );
});

it('the SDK tells it as a gap and replaces the state, and the connection stays', async () => {
  await start(false);
  const { WebSocket, made } = pausableWebSockets();
  const client = new Client(node.url, { codec: 'msgpack' }, { ...calm, WebSocket });
  onTestFinished(() => client.close());
  const board = client.subscribe<string>(channel);
  const told: string[] = [];
  board.on('gap', ({ reason }) => told.push(`gap ${reason}`));
  board.on('state', ({ reason }) => told.push(`state ${reason} ${board.state.size}`));
  await board.ready();
  const other = await join('outcry.v1.msgpack');
  await update(other);
  made.at(-1)?.pause();
  await untilConflated(other);
  await update(other);
  made.at(-1)?.resume();
  await until(
    () => told,
    (all) => all.includes(`state conflated ${keys.length}`),
    { what: 'the state' },
  );
  expect(told).toEqual(['state null 0', 'gap conflated', `state conflated ${keys.length}`]);
  expect(Object.fromEntries([...board.state].map(([key, { data }]) => [key, data]))).toEqual(other.values);
  await other.set('after', 'it');
  await until(
    () => board.state.get('after')?.data,
    (data) => data === 'it',
  );
  expect([made.length, client.state]).toEqual([1, 'connected']);
});
