import { describe, expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

const almostOne = 1 - Number.EPSILON;

describe('the wait before an attempt', () => {
  it('is random below a bound that doubles from half a second to twenty', () => {
    const longest = new Backoff(() => almostOne);
    expect(Array.from({ length: 8 }, () => Math.round(longest.next()))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000,
    ]);
    const shortest = new Backoff(() => 0);
    expect([shortest.next(), shortest.next()]).toEqual([0, 0]);
  });

  it('starts again after a connection that lasted ten seconds, and not after a shorter one', () => {
    const backoff = new Backoff(() => 0.5);
    backoff.next();
    backoff.next();
    backoff.ended(9_999);
    expect(backoff.next()).toBe(1_000);
    backoff.ended(10_000);
    expect(backoff.next()).toBe(250);
  });

  it('stays bounded after more attempts than a number has bits', () => {
    const backoff = new Backoff(() => 0.5);
    for (let attempt = 0; attempt < 2_000; attempt += 1) backoff.next();
    expect(backoff.next()).toBe(10_000);
  });
});
