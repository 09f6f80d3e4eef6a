/**
 * Channels with the latest values, with the parts of a node that carry them and a history that answers when a test says so.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { channel, SequencedWorld, type WorldOptions } from '../../test/support/sequenced-world.ts';
import { settled } from '../../test/support/slow-history.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Position } from './position.ts';
import { Publication } from './publication.ts';

const codec: Codec = {
  subprotocol: 'test',
  decode: () => [],
  encode: () => '',
  batch: ({ sequence, position }, publications) =>
    JSON.stringify({ batch: sequence, position, texts: publications.map(shown) }),
  degraded: ({ number }) => `degraded ${number}`,
  gap: ({ position }, gap) => JSON.stringify({ gap, position }),
  snapshot: ({ position }, snapshot, count) => JSON.stringify({ snapshot, position, count }),
};

function shown({ key, kind, text }: Publication): string {
  return kind === 'deleted' ? `${key}=` : text;
}

/** What publications come to, one after the other. */
function fold(texts: readonly string[], values = new Map<string, string>()): Map<string, string> {
  for (const text of texts) {
    const [key, value] = text.split('=');
    if (value === undefined) continue;
    if (value === '') values.delete(key as string);
    else values.set(key as string, text);
  }
  return values;
}

class World extends SequencedWorld<Member> {
  constructor(options: Partial<WorldOptions> = {}) {
    super({ codec, size: 5, latest: { maxKeys: 100, maxBytes: 1e9 }, ...options });
  }

  join(since: Position | null = null): Promise<Member> {
    const { log } = this.history;
    return this.admit(since, null, ({ standing, ticket }) => {
      const { position, latest, refusal, publications } = standing;
      const isRecovered = since !== null && refusal === null;
      const values = latest?.isKnown === true && position !== null ? latest.publications().map(shown) : null;
      if (!isRecovered && values === null) ticket.sequenced.owe();
      const had = since === null ? [] : log.slice(0, since.offset);
      return new Member(position, isRecovered ? [...had, ...publications.map(shown)] : values);
    });
  }

  async joined(since: Position | null = null): Promise<Member> {
    const member = this.join(since);
    await this.calm();
    return await member;
  }
}

/** What one client has. */
class Member {
  position: Position | null;
  /** Null while it was not told. */
  values: Map<string, string> | null;
  readonly told: string[] = [];
  #missing = 0;

  constructor(position: Position | null, texts: readonly string[] | null) {
    this.position = position;
    this.values = texts === null ? null : fold(texts);
  }

  hear(frame: string): void {
    const { batch, gap, snapshot, position, texts, count } = JSON.parse(frame);
    if (gap !== undefined) {
      this.told.push(`gap ${gap}`);
      this.position = position;
      return;
    }
    if (snapshot !== undefined) {
      this.told.push(`snapshot ${snapshot} ${count}`);
      this.position = position;
      this.values = new Map();
      this.#missing = count;
      return;
    }
    if (batch === 0) {
      this.#missing -= texts.length;
      expect(this.#missing).toBeGreaterThanOrEqual(0);
      fold(texts, this.values ?? new Map());
      return;
    }
    expect(this.#missing).toBe(0);
    if (this.position !== null) {
      expect(position.epoch).toBe(this.position.epoch);
      expect(position.offset - texts.length).toBe(this.position.offset);
    }
    this.position = position;
    if (this.values !== null) fold(texts, this.values);
  }
}

describe('a channel with the latest values', () => {
  test('is read once for all who join at the same time, and then not again', async () => {
    const world = new World();
    world.history.publish(channel, 'a=1', 'b=2');
    const all = Array.from({ length: 100 }, () => world.join());
    await world.calm();
    for (const { values } of await Promise.all(all)) expect(values).toEqual(fold(['a=1', 'b=2']));
    world.history.publish(channel, 'a=3', 'b=');
    await world.calm();
    world.history.available = false;
    expect((await world.joined()).values).toEqual(fold(['a=3']));
    expect(world.metrics.latest.keys.value).toBe(1);
  });

  test('gives its subscribers a snapshot where another would tell of a gap', async () => {
    const world = new World();
    const member = await world.joined();
    world.history.publish(channel, ...Array.from({ length: 20 }, (_, n) => `k${n % 3}=${n}`));
    world.history.frames.length = 0;
    world.history.publish(channel, 'last=1');
    await world.calm();
    expect(member.told).toEqual(['snapshot not_kept 4']);
    expect(member.values).toEqual(fold(['k0=18', 'k1=19', 'k2=17', 'last=1']));
    world.history.renew();
    world.history.publish(channel, 'new=1');
    await world.calm();
    expect(member.told.slice(1)).toEqual(['snapshot epoch_changed 1']);
    expect([...(member.values ?? [])]).toEqual([['new', 'new=1']]);
    expect(world.metrics.history.heals.values).toMatchObject({ snapshot: 2, gap: 0 });
    expect(world.metrics.latest.snapshotsSent.values).toMatchObject({ not_kept: 1, epoch_changed: 1 });
  });

  test('tells of a gap while the values cannot be read, and gives them as soon as they can', async () => {
    const world = new World();
    const member = await world.joined();
    world.history.available = false;
    world.history.publish(channel, 'a=1');
    world.history.frames.length = 0;
    world.history.publish(channel, 'b=2');
    for (let seconds = 0; seconds < 8; seconds += 1) {
      await world.calm();
      for (let i = 0; i < 10; i += 1) {
        world.clock.advance(100);
        await world.calm();
      }
    }
    expect(member.told).toEqual(['gap not_kept']);
    expect(member.position).toEqual({ epoch: 'e0', offset: 2 });
    world.history.available = true;
    world.rooms.reachable();
    await world.calm();
    expect(member.told).toEqual(['gap not_kept', 'snapshot not_kept 2']);
    expect(member.values).toEqual(fold(['a=1', 'b=2']));
  });

  test('owes them to who joined when they could not be read', async () => {
    const world = new World();
    world.history.publish(channel, 'a=1');
    await world.calm();
    world.history.available = false;
    const member = await world.joined();
    expect([member.values, member.position]).toEqual([null, null]);
    world.history.available = true;
    world.rooms.reachable();
    await world.calm();
    expect(member.values).toEqual(fold(['a=1']));
    expect(member.position).toEqual({ epoch: 'e0', offset: 1 });
  });

  test('forgets them to make room, and reads them again', async () => {
    const world = new World({ tailBytesTogether: 200 });
    await world.joined();
    for (let n = 0; n < 20; n += 1) world.history.publish(channel, `k${n}=${n}`);
    await world.calm();
    expect(world.metrics.latest.bytes.value + world.metrics.history.tailBytes.value).toBeLessThanOrEqual(200);
    const late = await world.joined();
    await world.calm();
    expect(late.values?.size).toBe(20);
  });

  test('has nothing at hand when everybody has left', async () => {
    const world = new World();
    world.history.publish(channel, 'a=1');
    await world.joined();
    expect(world.metrics.latest).toMatchObject({ keys: { value: 1 }, bytes: { value: 24 } });
    const room = world.hub.room(channel);
    if (room !== null) world.hub.leave(room, codec, null);
    expect(world.metrics.latest).toMatchObject({ keys: { value: 0 }, bytes: { value: 0 } });
  });
});

test('whatever happens in whatever order, what everybody has is what was published comes to', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        texts: fc.array(
          fc.oneof(
            fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(99)).map(([key, n]) => `${key}=${n}`),
            fc.constantFrom('a=', 'b=', 'c=', 'no key'),
          ),
          { minLength: 1, maxLength: 4 },
        ),
      }),
    },
    {
      weight: 7,
      arbitrary: fc.record({ do: fc.constantFrom('deliver' as const, 'look' as const, 'answer' as const) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('endTurn' as const, 'settle' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom('lose' as const, 'second' as const, 'doubt' as const, 'phantom' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('away' as const, 'back' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('join' as const), back: fc.integer({ min: -1, max: 9 }) }),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.record({
        size: fc.integer({ min: 1, max: 10 }),
        tailBytes: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 200, max: 1_000 })),
        isThere: fc.boolean(),
      }),
      async (steps, { isThere, ...options }) => {
        const world = new World(options);
        const { history, clock, rooms } = world;
        const joins: Promise<Member>[] = [];
        if (isThere) {
          joins.push(world.join());
          await world.calm();
        }
        for (const each of steps) {
          if (each.do === 'publish') history.publish(channel, ...each.texts);
          else if (each.do === 'deliver') history.deliver();
          else if (each.do === 'look') history.look();
          else if (each.do === 'answer') history.answer();
          else if (each.do === 'endTurn') clock.endTurn();
          else if (each.do === 'lose') history.frames.shift();
          else if (each.do === 'second') clock.advance(1_000);
          else if (each.do === 'doubt') rooms.doubt(() => true);
          else if (each.do === 'away') history.available = false;
          else if (each.do === 'back') history.available = true;
          else if (each.do === 'renew') history.renew();
          else if (each.do === 'phantom')
            history.hand(channel, {
              ...{ epoch: 'phantom', offset: 1_000 },
              publications: [Publication.text('phantom=1', 0).withKey('phantom')],
            });
          else if (each.do === 'join') {
            const offset = Math.max(history.log.length - each.back, 0);
            joins.push(world.join(each.back < 5 ? { epoch: history.epoch, offset } : null));
          }
          if (each.do !== 'publish' && each.do !== 'join') await settled();
        }
        history.available = true;
        rooms.reachable();
        await world.comeToRest();
        const expected = fold(history.log);
        for (const { position, values } of await Promise.all(joins)) {
          expect(position).toEqual({ epoch: history.epoch, offset: history.log.length });
          expect(values).toEqual(expected);
        }
      },
    ),
    { numRuns: 400 },
  );
}, 60_000);
