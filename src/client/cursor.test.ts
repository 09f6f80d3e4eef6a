import { describe, expect, it } from 'vitest';
import { Cursor } from './cursor.ts';
import type { Position, Wish } from './position.ts';

const at = (offset: number, epoch = 'e'): Position => ({ epoch, offset });

function joined(wish: Wish | null, position: Position | null, fields: object = {}) {
  const cursor = new Cursor(wish);
  const answer = {
    sequence: 10,
    degraded: false,
    position,
    recovered: null,
    reason: null,
    snapshot: null,
    ...fields,
  };
  const hole = cursor.join(answer);
  return { cursor, hole, again: (more: object) => cursor.join({ ...answer, ...more }) };
}

function batch(sequence: number, offset: number | null, count: number) {
  const publications = Array.from({ length: count }, () => null);
  return { type: 'batch', channel: 'chat', sequence, offset, time: 0, publications } as const;
}

const allNew = { missed: 0, seen: 0 };

describe('without a history', () => {
  it('has no position, and whatever joins again has missed something', () => {
    const { cursor, hole, again } = joined(null, null);
    expect([cursor.position, cursor.wish, hole]).toEqual([null, null, null]);
    expect(cursor.take(batch(12, null, 2))).toEqual(allNew);
    expect(cursor.take(batch(15, null, 2))).toEqual({ missed: 1, seen: 0 });
    expect(again({})).toEqual({ reason: 'reconnect', missed: null });
  });

  it('cannot carry on, whoever wishes it', () => {
    expect(joined({ since: at(41) }, null, { recovered: false, reason: 'no_history' }).hole).toEqual({
      reason: 'no_history',
      missed: null,
    });
    // A node that knows nothing of histories.
    expect(joined({ since: at(41) }, null).hole).toEqual({ reason: 'no_history', missed: null });
    const { cursor, hole } = joined({ last: 20 }, null);
    expect([hole, cursor.wish]).toEqual([null, null]);
  });
});

describe('with a history', () => {
  it('goes by the offset, and asks for what is behind it', () => {
    const { cursor, hole, again } = joined(null, at(57));
    expect([cursor.position, cursor.wish, hole]).toEqual([at(57), { since: at(57) }, null]);
    expect(cursor.take(batch(11, 59, 2))).toEqual(allNew);
    cursor.pass(2);
    // Another node, other numbers.
    expect(again({ sequence: 3, position: at(61), recovered: true })).toBeNull();
    expect(cursor.position).toEqual(at(59));
    expect(cursor.take(batch(0, 61, 2))).toEqual(allNew);
    cursor.pass(2);
    expect(cursor.take(batch(4, 62, 3))).toEqual({ missed: 0, seen: 2 });
    cursor.pass(1);
    expect(cursor.take(batch(4, 62, 1))).toEqual({ missed: 0, seen: 1 });
    expect(cursor.take(batch(4, 65, 0))).toEqual({ missed: 3, seen: 0 });
    expect(cursor.position).toEqual(at(62));
  });

  it.each([
    [at(61), 'not_kept', 4],
    [at(61, 'f'), 'epoch_changed', null],
    [at(40), 'ahead', null],
    [null, 'unavailable', null],
  ])('that stands at %j and does not recover for %s misses %s', (position, reason, missed) => {
    const { cursor, hole } = joined({ since: at(57) }, position, { recovered: false, reason });
    expect(hole).toEqual({ reason, missed });
    expect(cursor.position).toEqual(position);
    expect(cursor.wish).toEqual(position && { since: position });
  });

  it('begins with the last publications where they begin', () => {
    const { cursor } = joined({ last: 3 }, at(57));
    // Nothing of what was asked for is here, so there is nothing to carry on from.
    expect([cursor.position, cursor.wish]).toEqual([null, { last: 3 }]);
    expect(cursor.take(batch(0, 56, 2))).toEqual(allNew);
    expect(cursor.position).toEqual(at(54));
    cursor.pass(2);
    expect(cursor.wish).toEqual({ since: at(56) });
    expect(cursor.take(batch(0, 57, 1))).toEqual(allNew);
    cursor.pass(1);
    expect(cursor.take(batch(11, 58, 1))).toEqual(allNew);
  });

  it('of which nothing is kept begins with what is live', () => {
    const { cursor } = joined({ last: 3 }, at(57));
    expect(cursor.take(batch(11, 58, 1))).toEqual(allNew);
    expect(cursor.position).toEqual(at(57));
    expect(joined({ last: 3 }, at(0)).cursor.position).toEqual(at(0));
  });

  it('says that something may be missing if it is asked for the last publications twice', () => {
    const { cursor, again } = joined({ last: 3 }, at(57));
    expect(again({ position: at(70) })).toEqual({ reason: 'reconnect', missed: null });
    expect(cursor.take(batch(0, 70, 3))).toEqual(allNew);
  });

  it('leaves to others what they asked for', () => {
    const { cursor } = joined(null, at(57));
    expect(cursor.take(batch(0, 57, 20))).toEqual({ missed: 0, seen: 20 });
    expect(cursor.take(batch(0, 90, 20))).toEqual({ missed: 0, seen: 20 });
    expect(cursor.position).toEqual(at(57));
  });

  it('finds out that what it asked for ended too early', () => {
    const { cursor } = joined({ since: at(50) }, at(57), { recovered: true });
    cursor.take(batch(0, 53, 3));
    cursor.pass(3);
    expect(cursor.take(batch(11, 58, 1))).toEqual({ missed: 4, seen: 0 });
  });

  it('jumps behind what the node misses itself', () => {
    const { cursor } = joined(null, at(57));
    expect(cursor.jump(at(60))).toBe(3);
    expect(cursor.position).toEqual(at(60));
    // Told late: what follows is here in part.
    expect(cursor.jump(at(58))).toBeNull();
    expect(cursor.position).toEqual(at(60));
    expect(cursor.take(batch(11, 61, 3))).toEqual({ missed: 0, seen: 2 });
    cursor.pass(1);
    expect(cursor.jump(at(2, 'f'))).toBeNull();
    expect(cursor.take(batch(12, 3, 1))).toEqual(allNew);
  });

  it('jumps before what it asked for has begun', () => {
    const { cursor } = joined({ last: 3 }, at(57));
    expect(cursor.jump(at(60))).toBe(3);
    expect(cursor.position).toEqual(at(60));
  });
});

describe('with a history that nobody can ask now', () => {
  it('goes by the numbers of the node, until it learns the epoch', () => {
    const { cursor } = joined(null, null, { degraded: true });
    expect(cursor.take(batch(11, 58, 1))).toEqual(allNew);
    cursor.pass(1);
    expect([cursor.position, cursor.nameless]).toEqual([null, true]);
    expect(cursor.take(batch(13, 61, 1))).toEqual({ missed: 2, seen: 0 });
    cursor.pass(3);
    cursor.learn('e');
    expect(cursor.position).toEqual(at(61));
    cursor.learn('f');
    expect(cursor.position).toEqual(at(61));
  });

  it('counts a hole before the first offset', () => {
    const { cursor } = joined(null, null);
    expect(cursor.take(batch(13, 60, 1))).toEqual({ missed: 2, seen: 0 });
    cursor.pass(3);
    cursor.learn('e');
    expect(cursor.position).toEqual(at(60));
  });

  it('has no position when offsets stay away', () => {
    const { cursor } = joined(null, at(57));
    expect(cursor.take(batch(10, null, 0))).toEqual(allNew);
    expect(cursor.position).toEqual(at(57));
    expect(cursor.take(batch(11, null, 1))).toEqual(allNew);
    expect(cursor.position).toBeNull();
  });
});

it('begins where another one is', () => {
  const { cursor } = joined(null, at(57));
  const other = new Cursor(null);
  other.follow(cursor);
  expect(other.position).toEqual(at(57));
  expect(other.take(batch(12, null, 1))).toEqual({ missed: 1, seen: 0 });
});
