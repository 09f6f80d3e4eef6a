import { describe, expect, test } from 'vitest';
import type { SignalCounts } from '../generator/signals.ts';
import { type Broken, storyOf } from './story.ts';

const quiet: SignalCounts = {
  ...{ told: 0, toldBy: null, cutOff: 0, back: 0, backBy: null, recovered: 0 },
  ...{ paused: 0, hearAgainBy: null },
  ...{ silent: 0, silentReceivers: 0, known: 0 },
};

function told(broken: Partial<Omit<Broken, 'signals'>>, signals: Partial<SignalCounts>): string[] {
  const story = storyOf({
    ...{ what: 'Redis', subscribers: 1_000, killedAt: 10_000, startedAgainAt: 12_000 },
    ...{ refused: 0, twice: 0, latency: { p99: 12.4 } },
    ...broken,
    signals: { ...quiet, ...signals },
  });
  return story.map(({ at, text }) => (at === null ? text : `${at.toFixed(1)} ${text}`));
}

describe('of a killed Redis', () => {
  test('where everybody is told', () => {
    const signals = { told: 1_000, toldBy: 10_130, paused: 500, hearAgainBy: 12_400, known: 115_000 };
    expect(told({}, signals)).toEqual([
      '0.0 Redis was killed',
      '0.1 All 1,000 subscribers have been told that they may miss something',
      '2.0 Redis runs again, empty',
      '2.4 500 who heard nothing hear again',
      '115,000 missed by subscribers who know it; nothing lost without a word; p99 meanwhile 12 ms.',
    ]);
  });

  test('where publications were refused and sent again', () => {
    const signals = { told: 1_000, toldBy: 12_100, paused: 1_000, hearAgainBy: 12_300 };
    expect(told({ refused: 204, latency: { p99: 2_100 } }, signals)).toEqual([
      '0.0 Redis was killed',
      '2.0 204 publications have waited, since the first was refused; their publisher sends them now',
      '2.0 Redis runs again, empty',
      '2.1 All 1,000 subscribers have been told that they may miss something',
      '2.3 1,000 who heard nothing hear again',
      'Nothing lost; p99 meanwhile 2,100 ms.',
    ]);
  });

  test('where nobody is told', () => {
    const signals = { paused: 1_000, hearAgainBy: 12_300, silent: 20_000, silentReceivers: 500 };
    expect(told({ twice: 3, latency: { p99: 2_345 } }, signals)).toEqual([
      '0.0 Redis was killed',
      '2.0 Redis runs again, empty',
      '2.3 1,000 who heard nothing hear again',
      '20,000 lost without a word, by 500 subscribers; nobody was told anything; 3 came twice; p99 meanwhile 2,345 ms.',
    ]);
  });

  test('where nothing was lost', () => {
    expect(told({}, {}).at(-1)).toBe('Nothing lost; p99 meanwhile 12 ms.');
  });
});

test('what was lost without a word stands out', () => {
  const broken = {
    what: 'node',
    subscribers: 1,
    killedAt: 0,
    startedAgainAt: 1,
    refused: 0,
    twice: 0,
    latency: { p99: 1 },
  } as const;
  expect(storyOf({ ...broken, signals: quiet }).at(-1)?.bad).toBe(false);
  expect(storyOf({ ...broken, signals: { ...quiet, silent: 1 } }).at(-1)?.bad).toBe(true);
});

test('of a killed node: who was cut off knows, and comes back', () => {
  const signals = { cutOff: 500, back: 500, backBy: 10_420, paused: 3, hearAgainBy: 10_600, known: 20_000 };
  expect(told({ what: 'node', startedAgainAt: 12_500 }, signals)).toEqual([
    '0.0 The second node was killed',
    '0.0 500 connections ended: their owners know',
    '0.4 500 of them are back',
    '2.5 The second node runs again',
    '20,000 missed by subscribers who know it; nothing lost without a word; p99 meanwhile 12 ms.',
  ]);
});
