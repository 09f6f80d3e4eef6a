import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';

let clock: FakeClock;
let keys: IdempotencyKeys<number>;
let forgotten: number;

beforeEach(() => {
  clock = new FakeClock();
  forgotten = 0;
  keys = new IdempotencyKeys({
    ...{ clock, windowMs: 1_000, maxKeys: 3 },
    onForgotten: () => {
      forgotten += 1;
    },
  });
});

describe('a key', () => {
  test('is remembered for its channel until the window has passed', () => {
    keys.set('a', 'k', 1);
    expect([keys.get('a', 'k'), keys.get('b', 'k'), keys.get('a', 'j')]).toEqual([1, null, null]);
    clock.advance(999);
    expect(keys.get('a', 'k')).toBe(1);
    clock.advance(1);
    expect(keys.get('a', 'k')).toBeNull();
    expect([keys.size, forgotten]).toEqual([0, 0]);
  });

  test('is not taken for that of another channel, whatever is in it', () => {
    keys.set('ab', 'c', 1);
    keys.set('a', 'b\nc', 2);
    expect([keys.get('a', 'bc'), keys.get('a', 'c'), keys.get('a', 'b\nc')]).toEqual([null, null, 2]);
  });

  test('is forgotten early when there are too many, the oldest first, and that is told', () => {
    for (const [index, key] of ['k', 'l', 'm', 'n', 'o'].entries()) keys.set('a', key, index);
    expect(['k', 'l', 'm', 'n', 'o'].map((key) => keys.get('a', key))).toEqual([null, null, 2, 3, 4]);
    expect([keys.size, forgotten]).toEqual([3, 2]);
  });
});
