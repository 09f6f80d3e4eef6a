import { beforeEach, describe, expect, test } from 'vitest';
import { newBroadcaster } from '../test/support/broadcaster.ts';
import type { Bridge, OnAway, OnGap, Outcome, Receive } from './bridge/bridge.ts';
import { type Broadcaster, maxHeldBytes } from './broadcaster.ts';
import { Publication } from './channel/publication.ts';
import { Metrics } from './metrics/metrics.ts';

let calls: [to: 'here' | 'elsewhere', channel: string, publication: Publication][];
let receive: Receive | null;
let onGap: OnGap | null;
let onAway: OnAway | null;
/** That the bridge took along. */
let keys: (string | null | undefined)[];
/** In which order what is told that the other nodes are out of reach. */
let told: string[];
let gaps: [reason: string, concernsLeft: boolean][];
let broadcaster: Broadcaster;
let metrics: Metrics;
/** What the bridge says of what is published with an answer. */
let carries: boolean;
let outcome: Outcome | Promise<Outcome>;
let bridge: { -readonly [Key in keyof Bridge]: Bridge[Key] };

beforeEach(() => {
  calls = [];
  receive = null;
  onGap = null;
  onAway = null;
  gaps = [];
  keys = [];
  told = [];
  outcome = 'unknown';
  carries = true;
  bridge = {
    start(given, givenOnGap, givenOnAway) {
      expect(receive).toBeNull();
      receive = given;
      onGap = givenOnGap;
      onAway = givenOnAway;
    },
    publish: (channel, publication) => void calls.push(['elsewhere', channel, publication]),
    publishConfirmed(channel, publication, key) {
      calls.push(['elsewhere', channel, publication]);
      keys.push(key);
      return outcome;
    },
    stop: async () => {},
    state: 'connected',
    prepare: () => true,
    reaches: () => true,
    carries: () => carries,
    opened() {},
    closed() {},
  };
  metrics = new Metrics();
  broadcaster = newBroadcaster({
    hub: {
      broadcast: (channel, publication) => void calls.push(['here', channel, publication]),
      gap: (reason, concerns) => void gaps.push([reason, concerns('left')]),
      degraded: (concerns) => void told.push(`degraded ${concerns('left')}`),
      flush: () => void told.push('flush'),
    },
    announcements: { degraded: () => void told.push('all') },
    bridge,
    metrics,
  });
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
    expect(broadcaster.reachesOthers('left')).toBe(true);
    carries = false;
    expect(broadcaster.reachesOthers('left')).toBe(false);
  });
});

describe('a key in a channel without history', () => {
  const hi = Publication.text('hi', 0);
  const publish = (key: string | null, channel = 'left') => broadcaster.publishConfirmed(channel, hi, key);
  const reached = () => calls.map(([to]) => to);

  test('goes with the publication, which goes the same way as any other', () => {
    outcome = 'confirmed';
    expect(publish('k')).toBe('confirmed');
    expect(reached()).toEqual(['here', 'elsewhere']);
    expect(keys).toEqual(['k']);
  });

  test('that has reached all is a duplicate, and nothing is published', async () => {
    outcome = Promise.resolve('confirmed');
    expect(await publish('k')).toBe('confirmed');
    expect(publish('k')).toBe('duplicate');
    broadcaster.publish('left', hi, 'k');
    expect(reached()).toEqual(['here', 'elsewhere']);
    expect(metrics.duplicatesDiscarded.values).toEqual({ published: 2, received: 0 });
  });

  test.each(['failed', 'unknown'] as const)(
    'whose publication %s is sent to the others again, not here',
    async (failure) => {
      outcome = failure;
      expect(publish('k')).toBe(failure);
      outcome = Promise.resolve('confirmed');
      expect(await publish('k')).toBe('confirmed');
      expect(reached()).toEqual(['here', 'elsewhere', 'elsewhere']);
      expect(publish('k')).toBe('duplicate');
    },
  );

  test('is that of its channel alone', () => {
    outcome = 'confirmed';
    for (const channel of ['left', 'right']) expect(publish('k', channel)).toBe('confirmed');
    expect(publish(null)).toBe('confirmed');
    expect(publish(null)).toBe('confirmed');
  });

  test('that came from another node is known here', () => {
    receive?.('left', hi, 'k');
    receive?.('left', hi, 'k');
    expect(publish('k')).toBe('duplicate');
    receive?.('left', hi, 'j');
    receive?.('right', hi, 'k');
    expect(calls.map(([to, channel]) => [to, channel])).toEqual([
      ['here', 'left'],
      ['here', 'left'],
      ['here', 'right'],
    ]);
    expect(metrics.duplicatesDiscarded.values).toEqual({ published: 1, received: 1 });
  });

  test('that comes back from another node, where its publisher went meanwhile, is discarded', () => {
    broadcaster.publish('left', hi, 'k');
    receive?.('left', hi, 'k');
    expect(reached()).toEqual(['here', 'elsewhere']);
    // It came the way that goes to all.
    expect(publish('k')).toBe('duplicate');
  });
});

describe('what the bridge receives', () => {
  test('is broadcast here and never sent back', () => {
    const publication = Publication.text('from elsewhere', 0);
    receive?.('right', publication, null);
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
  let standing: Promise<boolean> | null;
  const position = { epoch: 'e', offset: 7 };

  beforeEach(() => {
    standing = null;
    appended = [];
    doubted = [];
    receive = null;
    broadcaster = newBroadcaster({
      hub: {
        broadcast: (channel, publication) => void calls.push(['here', channel, publication]),
        gap: (reason, concerns) => void gaps.push([reason, concerns('left') || concerns('h')]),
        degraded: (concerns) => void told.push(`degraded ${concerns('left')}`),
        flush: () => void told.push('flush'),
      },
      announcements: { degraded: () => void told.push('all') },
      bridge,
      sequencing: {
        keepsHistory: (channel) => channel === 'h',
        history: {
          async append(channel, publications, key) {
            appended.push([channel, publications.map(({ text }) => text), key]);
            return { outcome: 'confirmed', position, duplicate: false };
          },
        },
        rooms: {
          doubt: (concerns) => void doubted.push(concerns('h')),
          away: () => void told.push('rooms'),
          standing: () => standing,
        },
        metrics: metrics.history,
      },
    });
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

  test('waits, in order and within bounds, until its room stands somewhere', async () => {
    let stands = (_: boolean) => {};
    standing = new Promise((resolve) => {
      stands = resolve;
    });
    const borrowed = Buffer.from('one');
    broadcaster.publish('h', Publication.of(borrowed, 0));
    borrowed.fill('x');
    const huge = Publication.binary(new Uint8Array(maxHeldBytes), 0);
    expect(await broadcaster.publishConfirmed('h', huge)).toEqual({ outcome: 'failed' });
    expect(metrics.history.publicationsNotAppended.values.waiting_limit).toBe(1);
    const two = broadcaster.publishConfirmed('h', Publication.text('two', 0), 'key');
    expect(appended).toEqual([]);
    stands(true);
    standing = null;
    expect(await two).toEqual({ outcome: 'confirmed', position, duplicate: false });
    expect(appended).toEqual([
      ['h', ['one'], undefined],
      ['h', ['two'], 'key'],
    ]);
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

  test('is told in each channel when it is over that the other nodes are out of reach', () => {
    onAway?.(null);
    expect(told).toEqual(['rooms', 'flush', 'all']);
  });

  test('takes nothing of a node that does not know of the history', () => {
    receive?.('h', Publication.text('no position', 0), null);
    receive?.('left', Publication.text('hi', 0), null);
    expect(calls.map(([, channel]) => channel)).toEqual(['left']);
    expect(metrics.history.plainDropped.value).toBe(1);
  });
});

test('that the other nodes are out of reach is told at once, behind what came before', () => {
  onAway?.(null);
  expect(told).toEqual(['flush', 'all']);
});

test('that they are out of reach for some channels is told in these', () => {
  onAway?.((channel) => channel === 'left');
  expect(told).toEqual(['degraded true']);
});

test('a gap that the bridge noticed is told to the subscribers of this node', () => {
  onGap?.('bridge', (channel) => channel === 'left');
  onGap?.('bridge_away', () => false);
  expect(gaps).toEqual([
    ['bridge', true],
    ['bridge_away', false],
  ]);
});
