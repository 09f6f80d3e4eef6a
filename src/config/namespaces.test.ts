import { describe, expect, test } from 'vitest';
import { namespaceFaults, namespacesSchema, type Profile, resolveNamespaces } from './namespaces.ts';

const parse = (raw: unknown) => namespacesSchema.parse(raw);
const faultsOf = (raw: unknown) => {
  const parsed = namespacesSchema.safeParse(raw);
  return parsed.success ? 'no fault' : namespaceFaults(parsed.error.issues);
};

/** What every namespace has until it is told otherwise. */
const otherwise = {
  ...{ compress: false, historySize: 0, historyTtlMs: 300_000, rawGap: 'none' },
  ...{ latest: 0, latestMaxBytes: 524_288 },
};
const node = { backpressureLimitBytes: 1_048_576 };

describe('the setting', () => {
  test('is an object in the file and JSON text elsewhere', () => {
    const asMap = new Map([['prices', { publish: 'api', maxPayloadBytes: 64 }]]);
    expect(parse({ prices: { publish: 'api', maxPayloadBytes: 64 } })).toEqual(asMap);
    expect(parse('{"prices": {"publish": "api", "maxPayloadBytes": 64}}')).toEqual(asMap);
    expect(parse(asMap)).toEqual(asMap);
  });

  test.each(['', 'x', '[]', '"prices"', 'null', '1', [], null, 1])('is not %j', (raw) => {
    expect(faultsOf(raw)).toEqual([]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('may hold the name %s', (name) => {
    const text = `{${JSON.stringify(name)}: {"publish": "nobody"}}`;
    for (const namespaces of [parse(text), parse(JSON.parse(text))]) {
      expect([...namespaces]).toEqual([[name, { publish: 'nobody' }]]);
      expect(
        resolveNamespaces({ ...node, profile: 'open', namespaces, maxPayloadBytes: 9, maxDelayMs: 7 }).get(
          name,
        ),
      ).toEqual({
        subscribe: 'anyone',
        publish: 'nobody',
        maxPayloadBytes: 9,
        maxDelayMs: 7,
        ...otherwise,
      });
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test.each([
    [
      { prices: { publish: 'everybody' } },
      ['namespace "prices": publish must be one of anyone, api, nobody'],
    ],
    [{ prices: { subscribe: 1 } }, ['namespace "prices": subscribe must be one of anyone, api, nobody']],
    [
      { prices: { maxPayloadBytes: 0 } },
      ['namespace "prices": maxPayloadBytes must be a whole number from 1 to 16777216'],
    ],
    [
      { prices: { maxPayloadBytes: '64' } },
      ['namespace "prices": maxPayloadBytes must be a whole number from 1 to 16777216'],
    ],
    [
      { chat: {}, prices: { publsh: 'api', deflate: true } },
      [
        'namespace "prices": there is no "publsh", only subscribe, publish, maxPayloadBytes, maxDelayMs, compress, historySize, historyTtlMs, rawGap, latest, latestMaxBytes',
        'namespace "prices": there is no "deflate", only subscribe, publish, maxPayloadBytes, maxDelayMs, compress, historySize, historyTtlMs, rawGap, latest, latestMaxBytes',
      ],
    ],
    [
      { prices: { historySize: 10_001, historyTtlMs: 0 } },
      [
        'namespace "prices": historySize must be a whole number from 0 to 10000',
        'namespace "prices": historyTtlMs must be a whole number from 1000 to 604800000',
      ],
    ],
    [
      { prices: { historySize: -1 } },
      ['namespace "prices": historySize must be a whole number from 0 to 10000'],
    ],
    [{ prices: 'api' }, ['namespace "prices" must be an object']],
    [{ prices: null }, ['namespace "prices" must be an object']],
    [
      { a: { publish: 'x' }, b: { subscribe: 'y' } },
      [
        'namespace "a": publish must be one of anyone, api, nobody',
        'namespace "b": subscribe must be one of anyone, api, nobody',
      ],
    ],
    [
      { 'a:b': {} },
      [`a namespace's name must be 1 to 64 printable characters without a colon, and not $outcry`],
    ],
    [
      { $outcry: {} },
      [`a namespace's name must be 1 to 64 printable characters without a colon, and not $outcry`],
    ],
    [
      { '': {} },
      [`a namespace's name must be 1 to 64 printable characters without a colon, and not $outcry`],
    ],
    [
      { ['a'.repeat(65)]: {} },
      [`a namespace's name must be 1 to 64 printable characters without a colon, and not $outcry`],
    ],
    [
      '{"prices": {"__proto__": {}}}',
      [
        'namespace "prices": there is no "__proto__", only subscribe, publish, maxPayloadBytes, maxDelayMs, compress, historySize, historyTtlMs, rawGap, latest, latestMaxBytes',
      ],
    ],
  ])('names what is wrong in %j', (raw, faults) => {
    expect(faultsOf(raw)).toEqual(faults);
  });

  test('has room for a thousand', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, {}]));
    expect(parse(many(1_000)).size).toBe(1_000);
    expect(faultsOf(many(1_001))).toEqual(['there may be 1000 namespaces at most']);
  });
});

describe('what holds in a namespace', () => {
  const resolve = (raw: unknown, profile: Profile = 'open') =>
    Object.fromEntries(
      resolveNamespaces({ ...node, profile, namespaces: parse(raw), maxPayloadBytes: 1_000, maxDelayMs: 20 }),
    );

  test('is open without any setting', () => {
    expect(resolve({})).toEqual({
      default: {
        subscribe: 'anyone',
        publish: 'anyone',
        maxPayloadBytes: 1_000,
        maxDelayMs: 20,
        ...otherwise,
      },
    });
  });

  test('is a feed with that profile: everybody reads, only the API publishes', () => {
    expect(resolve({}, 'feed').default).toEqual({
      subscribe: 'anyone',
      publish: 'api',
      maxPayloadBytes: 1_000,
      maxDelayMs: 20,
      ...otherwise,
    });
  });

  test('is what `default` says before what the profile says', () => {
    expect(resolve({ default: { publish: 'anyone', maxPayloadBytes: 5 } }, 'feed').default).toEqual({
      subscribe: 'anyone',
      publish: 'anyone',
      maxPayloadBytes: 5,
      maxDelayMs: 20,
      ...otherwise,
    });
  });

  test('is what it says itself before what `default` says', () => {
    const resolved = resolve({ chat: { publish: 'anyone' }, default: { maxPayloadBytes: 5 } }, 'feed');
    expect(resolved.chat).toEqual({
      subscribe: 'anyone',
      publish: 'anyone',
      maxPayloadBytes: 5,
      maxDelayMs: 20,
      ...otherwise,
    });
  });

  test('keeps latest values where it says so, in no more bytes than may be sent at once', () => {
    const resolved = resolve({ prices: { latest: 10 }, small: { latest: 5, latestMaxBytes: 1_000 } });
    expect(resolved.prices).toMatchObject({ latest: 10, latestMaxBytes: 524_288 });
    expect(resolved.small).toMatchObject({ latest: 5, latestMaxBytes: 1_000 });
    expect(faultsOf({ prices: { latest: -1, latestMaxBytes: 0 } })).toEqual([
      'namespace "prices": latest must be a whole number from 0 to 100000',
      'namespace "prices": latestMaxBytes must be a whole number from 1 to 67108864',
    ]);
  });

  test('has a history where it says so, kept for five minutes if it does not say how long', () => {
    const resolved = resolve({ chat: { historySize: 100 }, news: { historySize: 5, historyTtlMs: 60_000 } });
    expect(resolved.chat).toMatchObject({ historySize: 100, historyTtlMs: 300_000 });
    expect(resolved.news).toMatchObject({ historySize: 5, historyTtlMs: 60_000 });
    expect(resolved.default).toMatchObject(otherwise);
  });
});
