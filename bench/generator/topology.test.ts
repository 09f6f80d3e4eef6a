import { describe, expect, test } from 'vitest';
import { audienceOf, ChannelChoice, channelsOf, oneChannel, type Topology } from './topology.ts';

const ticker: Topology = { channels: 2_000, perSubscriber: 50, popularity: 'zipf' };

describe('a topology', () => {
  test('gives each subscriber different channels, and each channel as many subscribers', () => {
    for (const subscriber of [0, 1, 999]) expect(channelsOf(ticker, subscriber)).toHaveLength(50);
    expect(new Set(audienceOf(ticker, 1_000))).toEqual(new Set([25]));
  });

  test('lets people meet in different company', () => {
    const shared = new Set(channelsOf(ticker, 0));
    const withOthers = Array.from({ length: 999 }, (_, i) => channelsOf(ticker, i + 1))
      .map((channels) => channels.filter((channel) => shared.has(channel)).length)
      .filter((common) => common > 0);
    expect(withOthers.some((common) => common < 50)).toBe(true);
  });

  test('of one channel has everybody in it', () => {
    expect(channelsOf(oneChannel, 7)).toEqual([0]);
    expect(audienceOf(oneChannel, 10)).toEqual([10]);
  });
});

describe('the choice of channels', () => {
  function published(topology: Topology, publications: number): number[] {
    const choice = new ChannelChoice(topology);
    const counts = new Array<number>(topology.channels).fill(0);
    for (let i = 0; i < publications; i += 1) (counts[choice.next()] as number)++;
    return counts;
  }

  test('is even where it should be', () => {
    const counts = published({ ...ticker, popularity: 'even' }, 10_000);
    expect(new Set(counts)).toEqual(new Set([5]));
  });

  test('follows Zipf: the second gets half as many as the first, the tenth a tenth', () => {
    const [first = 0, second = 0, ...others] = published(ticker, 200_000).sort((a, b) => b - a);
    expect(second / first).toBeCloseTo(1 / 2, 1);
    expect((others[7] as number) / first).toBeCloseTo(1 / 10, 1);
  });

  test('is the same in every process', () => {
    expect(published(ticker, 1_000)).toEqual(published(ticker, 1_000));
  });
});
