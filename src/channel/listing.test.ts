import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChannelCount } from '../protocol/control.ts';
import { firstChannels, mergeChannels } from './listing.ts';

const all = { prefix: '', after: '', limit: 10 };
const named = (...names: string[]): ChannelCount[] => names.map((channel) => ({ channel, subscribers: 1 }));
const namesOf = (channels: readonly ChannelCount[]) => channels.map(({ channel }) => channel);

describe('the first channels', () => {
  const channels = named('b', 'a', 'prices:USD', '__proto__', 'prices:EUR', 'prices');

  test('are in the order of their names', () => {
    expect(namesOf(firstChannels(channels, all))).toEqual([
      '__proto__',
      'a',
      'b',
      'prices',
      'prices:EUR',
      'prices:USD',
    ]);
  });

  test('begin with the prefix, which is no pattern', () => {
    expect(namesOf(firstChannels(channels, { ...all, prefix: 'prices:' }))).toEqual([
      'prices:EUR',
      'prices:USD',
    ]);
    expect(firstChannels(channels, { ...all, prefix: '*' })).toEqual([]);
  });

  test('come behind the last one of the page before', () => {
    expect(namesOf(firstChannels(channels, { ...all, after: 'b', limit: 2 }))).toEqual([
      'prices',
      'prices:EUR',
    ]);
    expect(firstChannels(channels, { ...all, after: 'prices:USD' })).toEqual([]);
  });

  test('page by page are all of them, once', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 60 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 7 }), (given, limit) => {
        const seen: string[] = [];
        for (;;) {
          const page = firstChannels(named(...given), { prefix: '', after: seen.at(-1) ?? '', limit });
          seen.push(...namesOf(page));
          if (page.length < limit) break;
        }
        expect(seen).toEqual([...given].sort());
      }),
    );
  });
});

test('a page of a cluster is that of all its channels together', () => {
  const nodes = fc.array(
    fc.uniqueArray(
      fc.record({
        channel: fc.string({ minLength: 1, maxLength: 2 }),
        subscribers: fc.integer({ min: 1, max: 9 }),
      }),
      { selector: ({ channel }) => channel, maxLength: 30 },
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(nodes, fc.integer({ min: 1, max: 5 }), fc.string({ maxLength: 1 }), (given, limit, after) => {
      const page = { prefix: '', after, limit };
      const whole = mergeChannels(given, Number.POSITIVE_INFINITY);
      const pages = given.map((channels) => firstChannels(channels, page));
      expect(mergeChannels(pages, limit)).toEqual(firstChannels(whole, page));
    }),
  );
});
