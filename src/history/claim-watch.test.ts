import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { settled } from '../../test/support/slow-history.ts';
import { ClaimWatch } from './claim-watch.ts';

let clock: FakeClock;
let watch: ClaimWatch;
/** Shards that were asked for, and those that cannot be claimed. */
let asked: number[];
let refused: Set<number>;
let changes: boolean[];
/** Answers are held back while it is set. */
let held: Promise<void> | null;

beforeEach(() => {
  clock = new FakeClock();
  asked = [];
  refused = new Set();
  changes = [];
  held = null;
  watch = new ClaimWatch({
    shards: [0, 1, 2],
    async claimable(shard) {
      asked.push(shard);
      const refuses = refused.has(shard);
      await held;
      return !refuses;
    },
    clock,
    onChange: (works) => changes.push(works),
  });
});

async function seconds(count: number): Promise<void> {
  await settled();
  for (let i = 0; i < count; i += 1) {
    clock.advance(1_000);
    await settled();
  }
}

test('a history works when a shard could be claimed, and not before', async () => {
  watch.connected();
  expect(changes).toEqual([]);
  await settled();
  expect(changes).toEqual([true]);
});

test('all shards are claimed in turn', async () => {
  watch.connected();
  await seconds(3);
  expect(asked).toEqual([0, 1, 2, 0]);
  expect(changes).toEqual([true]);
});

test('a shard that is refused is claimed until it is not, and meanwhile the history does not work', async () => {
  refused.add(1);
  watch.connected();
  await seconds(2);
  expect([asked, changes]).toEqual([
    [0, 1, 1],
    [true, false],
  ]);
  refused.clear();
  await seconds(2);
  expect([asked, changes]).toEqual([
    [0, 1, 1, 1, 2],
    [true, false, true],
  ]);
});

test('it does not work without a connection, whatever an older one answers', async () => {
  let answer = () => {};
  held = new Promise((resolve) => {
    answer = resolve;
  });
  watch.connected();
  watch.lost();
  answer();
  await settled();
  expect(changes).toEqual([]);
  expect(clock.timers).toBe(0);
  watch.connected();
  await settled();
  watch.lost();
  expect(changes).toEqual([true, false]);
});
