import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRedisTarget, parseRedisUrl, type RedisAddress, redisNames } from './redis-url.ts';

const local: RedisAddress = {
  hosts: [{ host: 'localhost', port: 6_379 }],
  sentinelMaster: null,
  username: null,
  password: null,
  database: 0,
  tls: false,
};

describe('a Redis server', () => {
  test.each<[string, Partial<RedisAddress>]>([
    ['redis://localhost', {}],
    ['redis://localhost/', {}],
    ['redis://localhost:6380', { hosts: [{ host: 'localhost', port: 6_380 }] }],
    ['redis://localhost:1', { hosts: [{ host: 'localhost', port: 1 }] }],
    ['redis://localhost:65535', { hosts: [{ host: 'localhost', port: 65_535 }] }],
    ['redis://10.0.0.1/2', { hosts: [{ host: '10.0.0.1', port: 6_379 }], database: 2 }],
    ['redis://localhost/0', {}],
    ['redis://localhost/9999', { database: 9_999 }],
    ['redis://[::1]', { hosts: [{ host: '::1', port: 6_379 }] }],
    ['redis://[2001:DB8::7]:6380/1', { hosts: [{ host: '2001:DB8::7', port: 6_380 }], database: 1 }],
    ['rediss://localhost', { tls: true }],
    ['redis://user:secret@localhost', { username: 'user', password: 'secret' }],
    ['redis://:secret@localhost', { password: 'secret' }],
    [
      'rediss://user:secret@localhost:6380/3',
      {
        hosts: [{ host: 'localhost', port: 6_380 }],
        username: 'user',
        password: 'secret',
        database: 3,
        tls: true,
      },
    ],
    ['redis://us%3Aer:p%40ss%2Fw%25rd@localhost', { username: 'us:er', password: 'p@ss/w%rd' }],
    ['redis://user:K%C3%BCche@localhost', { username: 'user', password: 'Küche' }],
    ['redis://user:with:colons@localhost', { username: 'user', password: 'with:colons' }],
    ['redis://:a?b#c@localhost', { password: 'a?b#c' }],
  ])('is behind %s', (url, differences) => {
    expect(parseRedisUrl(url)).toEqual({ ...local, ...differences });
  });
});

describe('sentinels', () => {
  const sentinel: RedisAddress = {
    ...local,
    hosts: [{ host: 'one', port: 26_379 }],
    sentinelMaster: 'main',
  };

  test.each<[string, Partial<RedisAddress>]>([
    ['redis+sentinel://one/main', {}],
    ['redis+sentinel://one/main/', {}],
    ['redis+sentinel://one/main/2', { database: 2 }],
    ['rediss+sentinel://one/main', { tls: true }],
    ['redis+sentinel://user:secret@one/main', { username: 'user', password: 'secret' }],
    [
      'redis+sentinel://one,two:5000,[::1],[::2]:5001/main',
      {
        hosts: [
          { host: 'one', port: 26_379 },
          { host: 'two', port: 5_000 },
          { host: '::1', port: 26_379 },
          { host: '::2', port: 5_001 },
        ],
      },
    ],
    ['redis+sentinel://one/7', { sentinelMaster: '7' }],
  ])('are behind %s', (url, differences) => {
    expect(parseRedisUrl(url)).toEqual({ ...sentinel, ...differences });
  });
});

describe('neither is behind', () => {
  test.each([
    ['nothing', ''],
    ['a bare host', 'localhost'],
    ['a host and port', 'localhost:6379'],
    ['no host', 'redis://'],
    ['no host but a port', 'redis://:6379'],
    ['no host but a database', 'redis:///1'],
    ['another scheme', 'http://localhost'],
    ['a scheme in capitals', 'REDIS://localhost'],
    ['a scheme with too many letters', 'redisss://localhost'],
    ['a scheme in the wrong order', 'redis+sentinels://localhost/main'],
    ['one slash', 'redis:/localhost'],
    ['something before it', ' redis://localhost'],
    ['something behind it', 'redis://localhost '],
    ['a line feed behind it', 'redis://localhost\n'],
    ['a line feed behind the database', 'redis://localhost/0\n'],
    ['white space for a host', 'redis:// '],
    ['white space in a host', 'redis://local host'],
    ['white space between hosts', 'redis+sentinel://one, two/main'],
    ['a line feed in a master’s name', 'redis+sentinel://one/ma\nin'],
    ['port 0', 'redis://localhost:0'],
    ['port 65536', 'redis://localhost:65536'],
    ['a port of six digits', 'redis://localhost:006379'],
    ['a port that is no number', 'redis://localhost:port'],
    ['an empty port', 'redis://localhost:'],
    ['two ports', 'redis://localhost:1:2'],
    ['IPv6 without brackets', 'redis://::1'],
    ['a bracket that is not closed', 'redis://[::1'],
    ['a name in brackets', 'redis://[localhost]'],
    ['empty brackets', 'redis://[]'],
    ['something behind the brackets', 'redis://[::1]x'],
    ['a database that is no number', 'redis://localhost/main'],
    ['a negative database', 'redis://localhost/-1'],
    ['a database of five digits', 'redis://localhost/10000'],
    ['two databases', 'redis://localhost/1/2'],
    ['a query', 'redis://localhost?db=1'],
    ['a query behind the database', 'redis://localhost/1?x'],
    ['a fragment', 'redis://localhost#1'],
    ['two hosts without sentinels', 'redis://one,two'],
    ['sentinels without a master', 'redis+sentinel://one'],
    ['sentinels with an empty master', 'redis+sentinel://one/'],
    ['sentinels with an empty host', 'redis+sentinel://one,,two/main'],
    ['sentinels with a bad port', 'redis+sentinel://one,two:0/main'],
    ['sentinels with a bad database', 'redis+sentinel://one/main/x'],
    ['sentinels with too much', 'redis+sentinel://one/main/1/2'],
    ['a user without a password', 'redis://user@localhost'],
    ['a user with an empty password', 'redis://user:@localhost'],
    ['empty credentials', 'redis://@localhost'],
    ['an empty user and password', 'redis://:@localhost'],
    ['a percent sign that encodes nothing', 'redis://user:100%@localhost'],
    ['percent-encoded bytes that are no UTF-8', 'redis://user:%ff@localhost'],
    ['a user that cannot be decoded', 'redis://%zz:secret@localhost'],
    ['two @', 'redis://user:p@ss@localhost'],
    ['a slash in the password', 'redis://user:pa/ss@localhost'],
    ['a password that looks like a port and a master', 'redis+sentinel://user:12/pass@one/main'],
    ['a password that looks like a port and a master, alone', 'redis+sentinel://user:12/pass@one'],
  ])('%s: %j', (_what, url) => {
    expect(parseRedisUrl(url)).toBeNull();
  });
});

describe('the setting', () => {
  const hosts = (url: string) => {
    const target = parseRedisTarget(url);
    if (target === null) return null;
    return [target.kind, ...(target.kind === 'cluster' ? target.seeds : target.servers).flatMap(redisNames)];
  };

  test.each<[string, string[]]>([
    ['redis://one', ['servers', 'one:6379']],
    ['redis://one,redis://two:7000/1', ['servers', 'one:6379', 'two:7000']],
    ['redis://[::1],rediss://:secret@two', ['servers', '[::1]:6379', 'two:6379']],
    [
      'redis+sentinel://a,b:1/main,redis+sentinel://a,b:1/other,redis://two',
      ['servers', 'main of a:26379,b:1', 'other of a:26379,b:1', 'two:6379'],
    ],
    ['redis+cluster://one', ['cluster', 'one:6379']],
    ['redis+cluster://one/', ['cluster', 'one:6379']],
    ['redis+cluster://user:s%40t@one,two:7000,[::1]', ['cluster', 'one:6379', 'two:7000', '[::1]:6379']],
  ])('is one server, several, or a cluster: %s', (url, expected) => {
    expect(hosts(url)).toEqual(expected);
  });

  test('gives each server of a cluster the credentials and TLS', () => {
    expect(parseRedisTarget('rediss+cluster://user:s%40t@one,two:7000')).toEqual({
      kind: 'cluster',
      seeds: [
        { host: 'one', port: 6_379 },
        { host: 'two', port: 7_000 },
      ].map((host) => ({ ...local, hosts: [host], username: 'user', password: 's@t', tls: true })),
    });
  });

  test.each([
    ['a server twice', 'redis://one,redis://two,redis://one'],
    ['a server twice, by another database', 'redis://one/1,redis://one/2'],
    ['a list with nothing in it', ',redis://one'],
    ['a list that ends with nothing', 'redis://one,'],
    ['a bare host in a list', 'redis://one,two'],
    ['a space in a list', 'redis://one, redis://two'],
    ['a cluster in a list', 'redis+cluster://one,redis://two'],
    ['a list with a cluster', 'redis://one,redis+cluster://two'],
    ['two clusters', 'redis+cluster://one,redis+cluster://two'],
    ['a database of a cluster', 'redis+cluster://one/1'],
    ['a cluster without hosts', 'redis+cluster://'],
    ['an empty host of a cluster', 'redis+cluster://one,,two'],
    ['a bad port of a cluster', 'redis+cluster://one:0'],
    ['a user of a cluster without a password', 'redis+cluster://user@one'],
  ])('is not %s: %j', (_what, url) => {
    expect(parseRedisTarget(url)).toBeNull();
  });
});

test('any user, password and database come out as they were encoded', () => {
  const credential = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(credential, credential, fc.nat(9_999), (username, password, database) => {
      const user = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
      expect(parseRedisUrl(`redis://${user}@localhost/${database}`)).toEqual({
        ...local,
        username,
        password,
        database,
      });
    }),
  );
});

test('whatever it is asked for, it never throws, and an address is always a whole one', () => {
  const parts = [
    'redis',
    's',
    '+sentinel',
    '://',
    'user',
    ':',
    '@',
    'one',
    ',',
    '[',
    '::1',
    ']',
    '/',
    '1',
    '%',
    '?',
    ' ',
  ];
  const url = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map((rest) => `redis://${rest}`),
    fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map((chosen) => chosen.join('')),
    fc
      .array(fc.constantFrom(...parts), { maxLength: 20 })
      .map((chosen) => `redis+sentinel://${chosen.join('')}`),
  );
  fc.assert(
    fc.property(url, (text) => {
      const address = parseRedisUrl(text);
      if (address === null) return;
      expect(address.hosts.length).toBeGreaterThan(0);
      for (const { host, port } of address.hosts) {
        expect(host).toMatch(/^[^\s@/]+$/);
        expect(port).toBeGreaterThan(0);
        expect(port).toBeLessThan(65_536);
      }
      expect(address.sentinelMaster !== null).toBe(text.includes('+sentinel://'));
      expect(Number.isInteger(address.database)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
