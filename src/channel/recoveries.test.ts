import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channel, SequencedWorld, type WorldOptions } from '../../test/support/sequenced-world.ts';
import { settled } from '../../test/support/slow-history.ts';
import type { Codec } from '../protocol/codec.ts';
import type { NotRecovered } from '../protocol/messages.ts';
import type { Room } from './room.ts';
import type { Position } from './position.ts';
import { Publication } from './publication.ts';
import type { Standing } from './recoveries.ts';

/** A node with one channel, whose clients are told apart by what they have. */
class World extends SequencedWorld<Member> {
  constructor(size: number, bounds: Bounds = {}) {
    super({ codec, size, ...bounds });
  }

  join(since: Position | null, last: number | null = null): Promise<Member> {
    return this.admit(since, last, ({ standing, room }) => new Member(since, standing, room));
  }
}

type Bounds = Omit<WorldOptions, 'codec' | 'size'>;

/** What one client has, by the positions that it is told. */
class Member {
  readonly room: Room;
  readonly since: Position | null;
  readonly standing: Standing;
  position: Position | null;
  readonly texts: string[];
  readonly gaps: string[] = [];

  constructor(since: Position | null, standing: Standing, room: Room) {
    this.room = room;
    this.since = since;
    this.standing = standing;
    this.position = standing.position;
    this.texts = standing.publications.map(({ text }) => text);
  }

  hear(frame: string): void {
    const [kind, epoch = '', offset, ...rest] = frame.split(' ');
    const position = { epoch, offset: Number(offset) };
    // Whoever is told that nothing is missing stands where the room does.
    if (kind === 'gap' && rest[0] === 'healed') expect(position).toEqual(this.position);
    else if (kind === 'gap') this.gaps.push(rest.join(' '));
    else {
      // The promise: what is live follows where he stands.
      expect(epoch).toBe(this.position?.epoch);
      expect(position.offset - rest.length).toBe(this.position?.offset);
      this.texts.push(...rest);
    }
    this.position = position;
  }
}

const codec: Codec = {
  subprotocol: 'test',
  decode: () => [],
  encode: () => '',
  batch: ({ position }, publications) =>
    ['batch', position?.epoch, position?.offset, ...publications.map(({ text }) => text)].join(' '),
  degraded: ({ number }) => `degraded ${number}`,
  gap: ({ position }, reason) => `gap ${position?.epoch} ${position?.offset} ${reason}`,
  snapshot: ({ position }, reason, count) =>
    `snapshot ${position?.epoch} ${position?.offset} ${reason} ${count}`,
};

const texts = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String(first + i));

async function worldWith(count: number, size = 100, bounds: Bounds = {}): Promise<World> {
  const world = new World(size, bounds);
  const first = world.join(null);
  await world.calm();
  await first;
  for (const text of texts(1, count)) world.history.publish(channel, text);
  await world.calm();
  return world;
}

async function joined(world: World, since: Position | null, last: number | null = null): Promise<Member> {
  const member = world.join(since, last);
  await world.calm();
  return await member;
}

describe('joining', () => {
  test('where the channel stands', async () => {
    const world = await worldWith(3);
    expect((await joined(world, null)).standing).toMatchObject({
      position: { epoch: 'e0', offset: 3 },
      publications: [],
    });
  });

  test.each<[string, Position, NotRecovered]>([
    ['an epoch that is another', { epoch: 'x', offset: 1 }, 'epoch_changed'],
    ['a position that is not kept', { epoch: 'e0', offset: 1 }, 'not_kept'],
    ['a position ahead', { epoch: 'e0', offset: 21 }, 'ahead'],
    ['a position that is none', { epoch: 'e0', offset: Number.NaN }, 'ahead'],
    ['a negative position', { epoch: 'e0', offset: -1 }, 'ahead'],
  ])('since %s', async (_what, since, refusal) => {
    const world = await worldWith(20, 5, { tailBytes: 10 });
    expect((await joined(world, since)).standing).toMatchObject({
      ...{ position: { epoch: 'e0', offset: 20 }, publications: [], refusal },
    });
  });

  test('while the history cannot be asked, with what is at hand', async () => {
    const world = await worldWith(20, 100, { tailBytes: 5 * 3 });
    world.history.available = false;
    expect((await joined(world, { epoch: 'e0', offset: 18 })).texts).toEqual(['19', '20']);
    expect((await joined(world, { epoch: 'e0', offset: 1 })).standing.refusal).toBe('unavailable');
    expect((await joined(world, null, 20)).texts).toEqual(['19', '20']);
  });

  test('with more than a client gets', async () => {
    const world = await worldWith(20, 100, { maxPublications: 10 });
    expect((await joined(world, { epoch: 'e0', offset: 9 })).standing.refusal).toBe('too_much');
    expect((await joined(world, { epoch: 'e0', offset: 10 })).texts).toEqual(texts(11, 20));
    const small = await worldWith(20, 100, { maxBytes: 10, tailBytes: 10 });
    expect((await joined(small, { epoch: 'e0', offset: 9 })).standing.refusal).toBe('too_much');
  });

  test('when too many want to read', async () => {
    const world = await worldWith(20, 100, { tailBytes: 3, maxReading: 1, maxWaiting: 1, pageSize: 1 });
    const all = [3, 4, 5].map((offset) => world.join({ epoch: 'e0', offset }));
    await world.calm();
    const refusals = (await Promise.all(all)).map(({ standing }) => standing.refusal);
    expect(refusals).toEqual([null, null, 'unavailable']);
    expect(world.metrics.history.recoveriesOpen.value).toBe(0);
  });

  test('when it takes too long', async () => {
    const world = await worldWith(20, 100, { tailBytes: 3, maxReading: 1 });
    const all = [3, 4].map((offset) => world.join({ epoch: 'e0', offset }));
    await settled();
    world.clock.advance(5_000);
    await world.calm();
    expect((await Promise.all(all)).map(({ standing }) => standing.refusal)).toContain('unavailable');
  });

  test('when reading takes too long, which says nothing of what is kept', async () => {
    const world = await worldWith(20, 100, { tailBytes: 3, pageSize: 5 });
    const late = world.join({ epoch: 'e0', offset: 3 });
    await settled();
    world.history.look();
    world.clock.advance(5_000);
    await world.calm();
    expect((await late).standing).toMatchObject({ publications: [], refusal: 'unavailable' });
  });

  test('with as many pages as that takes', async () => {
    const world = await worldWith(80, 100, {
      tailBytes: 3,
      pageSize: 2,
      maxBytes: 2_000_000,
      maxPublications: 10_000,
    });
    expect((await joined(world, { epoch: 'e0', offset: 3 })).texts).toEqual(texts(4, 80));
  });

  test('that does not come to an end', async () => {
    const world = await worldWith(100, 100, { tailBytes: 3, pageSize: 1 });
    expect((await joined(world, { epoch: 'e0', offset: 3 })).standing.refusal).toBe('interrupted');
  });

  test('from a node that was further on', async () => {
    const world = await worldWith(5);
    world.history.publish(channel, '6', '7');
    world.history.frames.length = 0;
    const member = await joined(world, { epoch: 'e0', offset: 7 });
    expect(member.standing).toMatchObject({ position: { offset: 7 }, refusal: null, publications: [] });
    expect(world.members[0]?.texts).toEqual(texts(1, 7));
    world.history.publish(channel, '8');
    await world.calm();
    expect(member.texts).toEqual(['8']);
  });

  test('holds nothing when everybody has left', async () => {
    const world = await worldWith(20);
    const late = await joined(world, { epoch: 'e0', offset: 3 });
    for (const { room } of [...world.members, late]) world.hub.leave(room, codec, null);
    expect(world.metrics.history.tailBytes.value).toBe(0);
  });
});

test('whatever happens in whatever order, everybody has exactly what he should, or is told', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constantFrom('deliver' as const, 'look' as const, 'answer' as const) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('endTurn' as const, 'settle' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'second' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('doubt' as const, 'phantom' as const),
        epoch: fc.constantFrom('phantom', 'e0'),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('join' as const), back: fc.integer({ min: -1, max: 20 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('last' as const), count: fc.integer({ min: 0, max: 12 }) }),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.record({
        size: fc.integer({ min: 1, max: 30 }),
        pageSize: fc.integer({ min: 1, max: 8 }),
        // Below 67, nothing can wait either.
        tailBytes: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 200, max: 1_000 })),
        isThere: fc.boolean(),
      }),
      async (steps, { size, pageSize, tailBytes, isThere }) => {
        const world = new World(size, { pageSize, tailBytes });
        const { history, clock, rooms } = world;
        const joins: Promise<Member>[] = [];
        let published = 0;
        if (isThere) {
          joins.push(world.join(null));
          await world.calm();
        }
        for (const each of steps) {
          if (each.do === 'publish') {
            history.publish(channel, ...texts(published + 1, published + each.count));
            published += each.count;
          } else if (each.do === 'deliver') history.deliver();
          else if (each.do === 'look') history.look();
          else if (each.do === 'answer') history.answer();
          else if (each.do === 'endTurn') clock.endTurn();
          else if (each.do === 'lose') history.frames.shift();
          else if (each.do === 'second') clock.advance(1_000);
          else if (each.do === 'doubt') rooms.doubt(() => true);
          else if (each.do === 'phantom')
            history.hand(channel, {
              epoch: each.epoch,
              offset: 1_000,
              publications: [Publication.text('phantom', 0)],
            });
          else if (each.do === 'join')
            joins.push(world.join({ epoch: 'e0', offset: Math.max(published - each.back, 0) }));
          else if (each.do === 'last') joins.push(world.join(null, each.count));
          if (each.do !== 'publish' && each.do !== 'join') await settled();
        }
        await world.comeToRest();
        for (const member of await Promise.all(joins)) {
          const { since, standing, gaps } = member;
          expect(member.position).toEqual({ epoch: 'e0', offset: published });
          const start = standing.position?.offset ?? 0;
          const isWhole = gaps.length === 0;
          if (since === null) {
            const live = member.texts.slice(standing.publications.length);
            const before = texts(start - standing.publications.length + 1, start);
            expect(member.texts.slice(0, standing.publications.length)).toEqual(before);
            if (isWhole) expect(live).toEqual(texts(start + 1, published));
          } else if (standing.refusal === null) {
            if (isWhole) expect(member.texts).toEqual(texts(since.offset + 1, published));
          } else {
            expect(['not_kept', 'ahead']).toContain(standing.refusal);
            if (isWhole) expect(member.texts).toEqual(texts(start + 1, published));
          }
          for (const gap of gaps) expect(gap).toBe('not_kept');
        }
      },
    ),
    { numRuns: 500 },
  );
}, 60_000);
