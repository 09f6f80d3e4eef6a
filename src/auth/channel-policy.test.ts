import { afterEach, describe, expect, test } from 'vitest';
import type { Namespace } from '../config/namespaces.ts';
import { ChannelPolicy } from './channel-policy.ts';

const otherwise = {
  compress: false,
  historySize: 0,
  historyTtlMs: 300_000,
  latest: 0,
  latestMaxBytes: 4_096,
  rawGap: 'none',
} as const;
const open: Namespace = {
  subscribe: 'anyone',
  publish: 'anyone',
  maxPayloadBytes: 1_000,
  maxDelayMs: 20,
  ...otherwise,
};
const feed: Namespace = {
  subscribe: 'anyone',
  publish: 'api',
  maxPayloadBytes: 100,
  maxDelayMs: 20,
  ...otherwise,
};
const internal: Namespace = {
  subscribe: 'api',
  publish: 'api',
  maxPayloadBytes: 10,
  maxDelayMs: 20,
  ...otherwise,
};
const closed: Namespace = {
  subscribe: 'nobody',
  publish: 'nobody',
  maxPayloadBytes: 1,
  maxDelayMs: 20,
  ...otherwise,
};

const policy = new ChannelPolicy(
  new Map([
    ['default', open],
    ['prices', feed],
    ['internal', internal],
    ['closed', closed],
  ]),
);

describe('a channel', () => {
  test.each([
    ['prices:EUR', 100],
    ['prices:EUR:bid', 100],
    ['prices:', 100],
    ['default:x', 1_000],
    ['prices', 1_000],
    ['chat', 1_000],
    ['unknown:x', 1_000],
    [':prices', 1_000],
    ['', 1_000],
    ['PRICES:EUR', 1_000],
    [' prices:EUR', 1_000],
  ])('%j belongs to the namespace before its first colon, if there is such', (channel, maxPayloadBytes) => {
    expect(policy.maxPayloadBytes(channel)).toBe(maxPayloadBytes);
  });
});

describe('permissions', () => {
  test.each([
    ['chat', 'client', true, true],
    ['chat', 'api', true, true],
    ['prices:EUR', 'client', true, false],
    ['prices:EUR', 'api', true, true],
    ['internal:x', 'client', false, false],
    ['internal:x', 'api', true, true],
    ['closed:x', 'client', false, false],
    ['closed:x', 'api', false, false],
  ] as const)('in %s for %s: subscribe %s, publish %s', (channel, who, subscribe, publish) => {
    expect(policy.maySubscribe(channel, who)).toBe(subscribe);
    expect(policy.mayPublish(channel, who)).toBe(publish);
  });
});

test('what is broadcast goes compressed as its namespace says', () => {
  expect(policy.compressesAny).toBe(false);
  const compressed = new ChannelPolicy(
    new Map([
      ['default', open],
      ['prices', { ...feed, compress: true }],
    ]),
  );
  expect(compressed.compressesAny).toBe(true);
  expect(['prices:EUR', 'prices', 'chat:x'].map((channel) => compressed.compresses(channel))).toEqual([
    true,
    false,
    false,
  ]);
});

test('what is kept of a channel is as its namespace says', () => {
  const kept = new ChannelPolicy(
    new Map([
      ['default', open],
      ['chat', { ...open, historySize: 10, historyTtlMs: 5_000 }],
    ]),
  );
  expect(kept.retention('chat:lobby')).toEqual({ size: 10, ttlMs: 5_000 });
  expect(kept.retention('other')).toEqual({ size: 0, ttlMs: 300_000 });
});

describe('names that objects know', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf'];
  afterEach(() => {
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test.each(names)('%s is a namespace like any other when it is configured', (name) => {
    const strange = new ChannelPolicy(
      new Map([
        ['default', open],
        [name, closed],
      ]),
    );
    expect(strange.mayPublish(`${name}:x`, 'api')).toBe(false);
    expect(strange.mayPublish(name, 'client')).toBe(true);
  });

  test.each(names)('%s is nothing when it is not', (name) => {
    expect(policy.maxPayloadBytes(`${name}:x`)).toBe(1_000);
    expect(policy.maySubscribe(`${name}:x`, 'client')).toBe(true);
  });
});

test('a policy without a default is a mistake of ours', () => {
  expect(() => new ChannelPolicy(new Map([['prices', feed]]))).toThrow(/"default" is missing/);
});

describe('the namespace of the nodes themselves', () => {
  const policy = new ChannelPolicy(
    new Map([['default', { ...open, historySize: 100, latest: 10, compress: true }]]),
  );

  test('lets nobody in', () => {
    for (const who of ['client', 'api'] as const) {
      expect(policy.maySubscribe('$outcry:status', who)).toBe(false);
      expect(policy.mayPublish('$outcry:status', who)).toBe(false);
    }
  });

  test('keeps nothing, whatever holds for others', () => {
    expect(policy.keepsHistory('$outcry:status')).toBe(false);
    expect(policy.keepsLatest('$outcry:status')).toBe(false);
    expect(policy.compresses('$outcry:status')).toBe(false);
  });

  test('is that name up to the first colon, and no other', () => {
    for (const channel of ['$outcry', '$Outcry:status', 'x:$outcry:status', '$outcr:y'])
      expect(policy.maySubscribe(channel, 'client')).toBe(true);
  });
});

test('a channel belongs to the namespace before its first colon, if there is one', () => {
  const policy = new ChannelPolicy(
    new Map([
      ['default', open],
      ['prices', feed],
    ]),
  );
  expect(
    ['prices:a:b', 'prices', 'other:a', ':a', '', '__proto__:a'].map((name) => policy.namespaceOf(name)),
  ).toEqual(['prices', 'default', 'default', 'default', 'default', 'default']);
});
