import { describe, expect, test } from 'vitest';
import type { ServerIdentity } from './broker.ts';
import { fixedPlacement, type RedisPlace } from './redis-place.ts';

function serverThatIs(name: string, found: ServerIdentity = { runId: 'r', role: 'master' }) {
  const never = () => {
    throw new Error('nothing is dialled here');
  };
  return {
    name,
    broker: { name: 'Redis', mayMove: false, dial: never, look: async () => found },
    dialHistory: never,
  };
}

function placesOf(...servers: ReturnType<typeof serverThatIs>[]): RedisPlace[] {
  let places: readonly RedisPlace[] = [];
  fixedPlacement(servers, 'outcry', 5).start((found) => {
    places = found;
  });
  return [...places];
}

describe('one server', () => {
  test('has all shards, and the layout that it always had', () => {
    const [only] = placesOf(serverThatIs('one'));
    expect(only).toMatchObject({
      ...{ name: 'one', shards: [0, 1, 2, 3, 4] },
      ...{ controlChannel: 'outcry.v1.beat', layoutKey: 'outcry.meta', layout: 'layout=1 shards=5' },
    });
  });

  test.each<[string, ServerIdentity, boolean]>([
    ['is where it was', { runId: 'r', role: 'master' }, true],
    ['is another one', { runId: 'other', role: 'master' }, false],
    ['is a replica now', { runId: 'r', role: 'slave' }, false],
  ])('%s', async (_what, found, isHere) => {
    const [only] = placesOf(serverThatIs('one', found));
    expect(await only?.isStillHere('r', 'a test')).toBe(isHere);
  });
});

test('several servers have the shards in turn, and each knows which one it is', () => {
  const places = placesOf(serverThatIs('one'), serverThatIs('two'));
  expect(places.map(({ name, shards, layout }) => [name, shards, layout])).toEqual([
    ['one', [0, 2, 4], 'layout=1 shards=5 server=1/2'],
    ['two', [1, 3], 'layout=1 shards=5 server=2/2'],
  ]);
  expect(new Set(places.map(({ layoutKey }) => layoutKey)).size).toBe(1);
});
