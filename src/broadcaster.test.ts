import { beforeEach, describe, expect, test } from 'vitest';
import type { Bridge, OnGap, Receive } from './bridge/bridge.ts';
import { Broadcaster } from './broadcaster.ts';
import { Publication } from './channel/publication.ts';
import { Metrics } from './metrics/metrics.ts';

let calls: [to: 'here' | 'elsewhere', channel: string, publication: Publication][];
let receive: Receive | null;
let onGap: OnGap | null;
let gaps: [reason: string, concernsLeft: boolean][];
let broadcaster: Broadcaster;
let bridge: { -readonly [Key in keyof Bridge]: Bridge[Key] };

beforeEach(() => {
  calls = [];
  receive = null;
  onGap = null;
  gaps = [];
  bridge = {
    start(given, givenOnGap) {
      expect(receive).toBeNull();
      receive = given;
      onGap = givenOnGap;
    },
    publish: (channel, publication) => void calls.push(['elsewhere', channel, publication]),
    publishConfirmed(channel, publication) {
      calls.push(['elsewhere', channel, publication]);
      return 'unknown';
    },
    stop: async () => {},
    state: 'connected',
    prepare: () => true,
    reaches: () => true,
    opened() {},
    closed() {},
  };
  broadcaster = new Broadcaster(
    {
      broadcast: (channel, publication) => void calls.push(['here', channel, publication]),
      gap: (reason, concerns) => void gaps.push([reason, concerns('left')]),
    },
    bridge,
  );
});

describe('publishing', () => {
  test('reaches this node once and the bridge once, in that order', () => {
    broadcaster.publish('left', Publication.text('hi', 0));
    expect(calls.map(([to, channel]) => [to, channel])).toEqual([
      ['here', 'left'],
      ['elsewhere', 'left'],
    ]);
  });

  test('hands on the same publication', () => {
    const publication = Publication.binary(new Uint8Array([0, 255]), 0);
    broadcaster.publish('left', publication);
    expect(calls.map((call) => call[2] === publication)).toEqual([true, true]);
  });
});

describe('publishing with an answer', () => {
  test('reaches this node once and the bridge once, in that order, and says what the bridge says', () => {
    expect(broadcaster.publishConfirmed('left', Publication.text('hi', 0))).toBe('unknown');
    expect(calls.map(([to, channel]) => [to, channel])).toEqual([
      ['here', 'left'],
      ['elsewhere', 'left'],
    ]);
  });

  test('can be known to be in vain', () => {
    expect(broadcaster.reachesOthers).toBe(true);
    bridge.state = 'away';
    expect(broadcaster.reachesOthers).toBe(false);
  });
});

describe('what the bridge receives', () => {
  test('is broadcast here and never sent back', () => {
    const publication = Publication.text('from elsewhere', 0);
    receive?.('right', publication);
    expect(calls).toEqual([['here', 'right', publication]]);
    expect(calls[0]?.[2]).toBe(publication);
  });

  test('can arrive before anything was published here', () => {
    expect(receive).not.toBeNull();
  });
});

describe('a channel with history', () => {
  let appended: [channel: string, texts: string[], key: string | undefined][];
  let doubted: boolean[];
  const metrics = new Metrics().history;
  const position = { epoch: 'e', offset: 7 };

  beforeEach(() => {
    appended = [];
    doubted = [];
    receive = null;
    broadcaster = new Broadcaster(
      {
        broadcast: (channel, publication) => void calls.push(['here', channel, publication]),
        gap: (reason, concerns) => void gaps.push([reason, concerns('left') || concerns('h')]),
      },
      bridge,
      {
        keepsHistory: (channel) => channel === 'h',
        history: {
          async append(channel, publications, key) {
            appended.push([channel, publications.map(({ text }) => text), key]);
            return { outcome: 'confirmed', position, duplicate: false };
          },
        },
        rooms: { doubt: (concerns) => void doubted.push(concerns('h')) },
        metrics,
      },
    );
  });

  test('goes to the history alone', async () => {
    broadcaster.publish('h', Publication.text('one', 0));
    const published = broadcaster.publishConfirmed('h', Publication.text('two', 0), 'key');
    expect(await published).toEqual({ outcome: 'confirmed', position, duplicate: false });
    expect(appended).toEqual([
      ['h', ['one'], undefined],
      ['h', ['two'], 'key'],
    ]);
    expect(calls).toEqual([]);
    expect([broadcaster.isSequenced('h'), broadcaster.isSequenced('left')]).toEqual([true, false]);
  });

  test('leaves the others as they are', () => {
    broadcaster.publish('left', Publication.text('hi', 0), 'key');
    expect(calls.map(([to]) => to)).toEqual(['here', 'elsewhere']);
    expect(appended).toEqual([]);
  });

  test('is doubted where others are told of a gap', () => {
    onGap?.('bridge', (channel) => channel === 'h');
    expect(gaps).toEqual([['bridge', false]]);
    expect(doubted).toEqual([true]);
  });

  test('takes nothing of a node that does not know of the history', () => {
    receive?.('h', Publication.text('no position', 0));
    receive?.('left', Publication.text('hi', 0));
    expect(calls.map(([, channel]) => channel)).toEqual(['left']);
    expect(metrics.plainDropped.value).toBe(1);
  });
});

test('a gap that the bridge noticed is told to the subscribers of this node', () => {
  onGap?.('bridge', (channel) => channel === 'left');
  onGap?.('bridge_away', () => false);
  expect(gaps).toEqual([
    ['bridge', true],
    ['bridge_away', false],
  ]);
});
