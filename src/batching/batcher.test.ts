import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Batcher, type BatchLimits } from './batcher.ts';

const limits: BatchLimits = { maxDelayMs: 2, maxBytes: 1_000, maxItems: 100 };

/** Gathers as a frame writer does, and notes what is flushed together and when. */
class Gatherer {
  readonly flushes: { key: string; items: number; at: number }[] = [];
  readonly batcher: Batcher<string>;
  readonly #items = new Map<string, number>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock, changes: Partial<BatchLimits> = {}) {
    this.#clock = clock;
    this.batcher = new Batcher(clock, { ...limits, ...changes }, (key) => {
      this.flushes.push({ key, items: this.#items.get(key) ?? 0, at: clock.now() });
      this.#items.delete(key);
    });
  }

  add(key = 'left', bytesEach = 1): void {
    const items = (this.#items.get(key) ?? 0) + 1;
    this.#items.set(key, items);
    this.batcher.added(key, items * bytesEach, items);
  }

  get sizes(): number[] {
    return this.flushes.map(({ items }) => items);
  }

  get gathered(): number {
    return [...this.#items.values()].reduce((sum, items) => sum + items, 0);
  }

  /** Flushes once, so that `key` has just been busy. */
  makeBusy(...keys: string[]): void {
    for (const key of keys) this.add(key);
    this.#clock.endTurn();
    this.flushes.length = 0;
  }
}

let clock: FakeClock;
let gatherer: Gatherer;

beforeEach(() => {
  clock = new FakeClock();
  gatherer = new Gatherer(clock);
});

describe('a key that has been quiet', () => {
  test('flushes a lone item at the end of the turn, not in it', () => {
    gatherer.add();
    expect(gatherer.sizes).toEqual([]);
    clock.endTurn();
    expect(gatherer.sizes).toEqual([1]);
    expect(clock.timers).toBe(0);
  });

  test('flushes everything of the turn together', () => {
    for (let i = 0; i < 5; i += 1) gatherer.add();
    clock.endTurn();
    expect(gatherer.sizes).toEqual([5]);
  });

  test('is quiet again as soon as the delay has passed since its last flush', () => {
    gatherer.makeBusy('left');
    clock.advance(2);
    gatherer.add();
    clock.endTurn();
    expect(gatherer.sizes).toEqual([1]);
  });

  test('does not flush what has nothing gathered', () => {
    gatherer.add();
    clock.endTurn();
    clock.endTurn();
    clock.advance(100);
    clock.endTurn();
    expect(gatherer.sizes).toEqual([1]);
  });
});

describe('a key that flushed just now', () => {
  beforeEach(() => gatherer.makeBusy('left'));

  test('lingers over the end of the turn until the delay has passed since that flush', () => {
    clock.advance(0.5);
    gatherer.add();
    clock.endTurn();
    clock.advance(1.4);
    gatherer.add();
    clock.endTurn();
    expect(gatherer.sizes).toEqual([]);
    clock.advance(0.2);
    expect(gatherer.sizes).toEqual([2]);
    expect(gatherer.flushes[0]?.at).toBe(5_002);
  });

  test('counts the delay from a flush at its bounds as well', () => {
    clock.advance(1);
    gatherer.add('left', 1_000);
    clock.advance(0.5);
    gatherer.add();
    clock.advance(1.4);
    expect(gatherer.sizes).toEqual([1]);
    clock.advance(0.2);
    expect(gatherer.sizes).toEqual([1, 1]);
  });
});

describe('the bounds', () => {
  test('of bytes flush at once', () => {
    gatherer.add('left', 999);
    expect(gatherer.sizes).toEqual([]);
    gatherer.add('left', 500);
    expect(gatherer.sizes).toEqual([2]);
    gatherer.add('left', 1_000);
    expect(gatherer.sizes).toEqual([2, 1]);
  });

  test('of items flush at once', () => {
    for (let i = 0; i < 250; i += 1) gatherer.add();
    expect(gatherer.sizes).toEqual([100, 100]);
  });

  test('flush a key that lingers, and leave nothing to be flushed again', () => {
    gatherer.makeBusy('left');
    gatherer.add();
    gatherer.add('left', 500);
    expect(gatherer.sizes).toEqual([2]);
    clock.endTurn();
    clock.advance(100);
    expect(gatherer.sizes).toEqual([2]);
  });

  test('leave other keys alone', () => {
    gatherer.add('right');
    gatherer.add('left', 1_000);
    expect(gatherer.flushes.map(({ key }) => key)).toEqual(['left']);
    clock.endTurn();
    expect(gatherer.flushes.map(({ key }) => key)).toEqual(['left', 'right']);
  });

  test('of one item flush each item', () => {
    gatherer = new Gatherer(clock, { maxItems: 1 });
    for (let i = 0; i < 3; i += 1) gatherer.add();
    expect(gatherer.sizes).toEqual([1, 1, 1]);
    expect(clock.timers).toBe(0);
  });
});

describe('several keys', () => {
  test('that were quiet flush in the same turn', () => {
    for (const key of ['left', 'right', 'centre', 'left']) gatherer.add(key);
    clock.endTurn();
    expect(gatherer.flushes.map(({ key, items }) => [key, items])).toEqual([
      ['left', 2],
      ['right', 1],
      ['centre', 1],
    ]);
  });

  test('that linger equally long flush in the same turn, by one timer', () => {
    const keys = ['left', 'right', 'centre'];
    gatherer.makeBusy(...keys);
    for (const key of keys) {
      clock.advance(0.25);
      gatherer.add(key);
    }
    expect(clock.timers).toBe(1);
    clock.advance(1.25);
    expect(gatherer.flushes.map(({ key, at }) => [key, at])).toEqual(keys.map((key) => [key, 5_002]));
  });

  test('that are due later keep their time', () => {
    gatherer.makeBusy('left');
    clock.advance(1);
    gatherer.makeBusy('right');
    gatherer.add('left');
    gatherer.add('right');
    clock.advance(1.5);
    expect(gatherer.flushes.map(({ key }) => key)).toEqual(['left']);
    clock.advance(0.5);
    expect(gatherer.flushes.map(({ key, at }) => [key, at])).toEqual([
      ['left', 5_002],
      ['right', 5_003],
    ]);
    expect(clock.timers).toBe(0);
  });

  test('never make a quiet one wait', () => {
    gatherer.makeBusy('left');
    gatherer.add('left');
    gatherer.add('right');
    clock.endTurn();
    expect(gatherer.flushes.map(({ key }) => key)).toEqual(['right']);
  });
});

describe('without a delay', () => {
  beforeEach(() => {
    gatherer = new Gatherer(clock, { maxDelayMs: 0 });
  });

  test('every key flushes at the end of each turn and no timer is ever started', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      gatherer.add();
      gatherer.add();
      expect(clock.timers).toBe(0);
      clock.endTurn();
    }
    expect(gatherer.sizes).toEqual([2, 2, 2, 2, 2]);
  });

  test('the bounds still hold', () => {
    gatherer.add('left', 1_000);
    expect(gatherer.sizes).toEqual([1]);
  });
});

describe('flushAll', () => {
  test('flushes what is due and what lingers, and nothing twice', () => {
    gatherer.makeBusy('left');
    gatherer.add('left');
    gatherer.add('right');
    gatherer.batcher.flushAll();
    expect(gatherer.flushes.map(({ key, items }) => [key, items])).toEqual([
      ['left', 1],
      ['right', 1],
    ]);
    clock.endTurn();
    clock.advance(100);
    gatherer.batcher.flushAll();
    expect(gatherer.sizes).toEqual([1, 1]);
  });
});

describe('evenly paced items', () => {
  test('every 0.1 ms go about 20 together with a delay of 2 ms', () => {
    for (let i = 0; i < 2_000; i += 1) {
      gatherer.add();
      clock.endTurn();
      clock.advance(0.1);
    }
    clock.advance(2);
    const [first, ...later] = gatherer.sizes;
    expect(first).toBe(1);
    expect(Math.min(...later.slice(0, -1))).toBeGreaterThanOrEqual(18);
    expect(Math.max(...later)).toBeLessThanOrEqual(22);
    expect(gatherer.gathered).toBe(0);
  });

  test('that are further apart than the delay each go alone at once', () => {
    for (let i = 0; i < 50; i += 1) {
      gatherer.add();
      clock.endTurn();
      clock.advance(2.5);
    }
    expect(gatherer.sizes).toEqual(new Array(50).fill(1));
    expect(gatherer.flushes.map(({ at }) => at - 5_000)).toEqual(
      Array.from({ length: 50 }, (_, i) => i * 2.5),
    );
  });
});

test('an item that is added while its key is flushed is flushed as well', () => {
  const flushed: number[] = [];
  const batcher: Batcher<string> = new Batcher(clock, limits, (key) => {
    flushed.push(clock.now());
    if (flushed.length < 3) batcher.added(key, 1, 1);
  });
  batcher.added('left', 1, 1);
  clock.endTurn();
  clock.advance(10);
  expect(flushed).toEqual([5_000, 5_002, 5_004]);
});

test('whatever is added whenever, everything is flushed within the delay and a turn', () => {
  const add = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    bytes: fc.constantFrom(1, 1, 1, 400, 1_000),
  });
  // In eighths of a millisecond, which floats add up exactly.
  const turn = fc.record({ adds: fc.array(add, { maxLength: 4 }), pause: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 60 }), fc.constantFrom(0, 0.5, 2, 3), (turns, maxDelayMs) => {
      clock = new FakeClock();
      /** Per key: when the oldest item was added, and how many there are of how many bytes. */
      const waiting = new Map<string, { since: number; items: number; bytes: number }>();
      const batcher = new Batcher<string>(clock, { ...limits, maxDelayMs }, (key) => {
        expect(waiting.has(key)).toBe(true);
        waiting.delete(key);
      });
      for (const { adds, pause } of turns) {
        for (const { key, bytes } of adds) {
          const before = waiting.get(key) ?? { since: clock.now(), items: 0, bytes: 0 };
          const now = { since: before.since, items: before.items + 1, bytes: before.bytes + bytes };
          waiting.set(key, now);
          batcher.added(key, now.bytes, now.items);
          expect(waiting.has(key)).toBe(now.bytes < limits.maxBytes && now.items < limits.maxItems);
        }
        clock.endTurn();
        for (let step = 0; step < pause; step += 1) {
          clock.advance(0.125);
          for (const { since } of waiting.values())
            expect(clock.now() - since).toBeLessThan(maxDelayMs + 0.125);
        }
      }
      clock.advance(maxDelayMs);
      clock.endTurn();
      expect(waiting.size).toBe(0);
      expect(clock.timers).toBe(0);
    }),
  );
});
