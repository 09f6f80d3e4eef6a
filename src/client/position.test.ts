import { describe, expect, it } from 'vitest';
import { distance, type Wish, wishOf } from './position.ts';

describe('a wish', () => {
  it('may be absent, or for nothing', () => {
    expect([wishOf({}), wishOf({ last: 0 })]).toEqual([null, null]);
  });

  it('takes of a position what nodes take', () => {
    const since = { epoch: 'e', offset: 57, channel: 'chat' };
    expect(wishOf({ since })).toEqual({ since: { epoch: 'e', offset: 57 } });
    expect(wishOf({ last: 10_000 })).toEqual({ last: 10_000 });
  });

  it.each([
    { last: -1 },
    { last: 1.5 },
    { last: 10_001 },
    { last: '20' },
    { last: 20, since: { epoch: 'e', offset: 1 } },
    { since: null },
    { since: { epoch: 'e' } },
    { since: { epoch: null, offset: null } },
    { since: { epoch: 'e', offset: -1 } },
    { since: { epoch: 'e', offset: 2 ** 53 } },
    { since: { epoch: 'ü'.repeat(33), offset: 1 } },
  ])('is refused at once: %j', (options) => {
    expect(() => wishOf(options as Wish)).toThrow(expect.objectContaining({ name: 'bad_request' }));
  });
});

it('knows a distance only within an epoch, and only ahead', () => {
  const at = (offset: number, epoch = 'e') => ({ epoch, offset });
  expect(distance(at(3), at(5))).toBe(2);
  for (const [from, to] of [
    [at(5), at(5)],
    [at(5), at(3)],
    [at(3), at(5, 'f')],
    [null, at(5)],
    [at(3), null],
  ] as const)
    expect(distance(from, to)).toBeNull();
});
