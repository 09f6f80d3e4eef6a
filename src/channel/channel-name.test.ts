import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { defaultChannel, isChannelName, maxChannelNameBytes, parseRawPath } from './channel-name.ts';

/** Long ones break the rule, short ones and those without control characters keep it. */
const anyName = fc.oneof(anyText(210), anyText(60), anyText(3));

describe('a channel name', () => {
  test.each([
    'a',
    ' ',
    'a/b',
    '..',
    '__proto__',
    'constructor',
    '*',
    '%2F',
    'Küche',
    'كوكب',
    '🙂',
    'a'.repeat(200),
    'é'.repeat(100),
    '🙂'.repeat(50),
  ])('may be %j', (name) => {
    expect(isChannelName(name)).toBe(true);
  });

  test.each([
    '',
    'a'.repeat(201),
    'é'.repeat(101),
    `${'🙂'.repeat(50)}a`,
    'a\u0000',
    'a\nb',
    'a\n',
    '\t',
    '\u007f',
    '\u0080',
    '\u009f',
    'a\ud800',
    '\udc00a',
  ])('may not be %j', (name) => {
    expect(isChannelName(name)).toBe(false);
  });

  test('is exactly what the rule says', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const control = [...name].some((character) => {
          const point = character.codePointAt(0) ?? 0;
          return point < 0x20 || (point >= 0x7f && point < 0xa0);
        });
        const bytes = Buffer.byteLength(name);
        expect(isChannelName(name)).toBe(bytes >= 1 && bytes <= maxChannelNameBytes && !control);
      }),
    );
  });
});

describe('the channel behind a path', () => {
  test.each([
    ['/', defaultChannel],
    ['/raw/a', 'a'],
    ['/raw/a/b', 'a/b'],
    ['/raw//', '/'],
    ['/raw/a%2Fb', 'a/b'],
    ['/raw/%2e%2e', '..'],
    ['/raw/..', '..'],
    ['/raw/K%C3%BCche', 'Küche'],
    ['/raw/a+b', 'a+b'],
    ['/raw/__proto__', '__proto__'],
  ])('%s is %j', (path, channel) => {
    expect(parseRawPath(path)).toEqual({ channel });
  });

  test('is decoded exactly once', () => {
    expect(parseRawPath('/raw/%2541')).toEqual({ channel: '%41' });
  });

  test.each(['', '/raw', '/RAW/a', '/rawa', '//raw/a', '/metrics', 'raw/a'])('%j leads nowhere', (path) => {
    expect(parseRawPath(path)).toBe('unknown path');
  });

  test.each([
    '/raw/',
    '/raw/%',
    '/raw/%zz',
    '/raw/%C3',
    '/raw/%ff',
    '/raw/%ED%A0%80',
    '/raw/%C0%AF',
    '/raw/%00',
    '/raw/a%0Ab',
    `/raw/${'a'.repeat(201)}`,
  ])('%s is malformed', (path) => {
    expect(parseRawPath(path)).toBe('malformed');
  });

  test('is any valid name that was percent-encoded', () => {
    fc.assert(
      fc.property(anyName.map((name) => name.replace(/\p{Cc}/gu, '')).filter(isChannelName), (name) => {
        expect(parseRawPath(`/raw/${encodeURIComponent(name)}`)).toEqual({ channel: name });
      }),
    );
  });

  test('is always a valid name, whatever is asked for, and asking never throws', () => {
    const path = fc.oneof(
      anyText(20),
      fc
        .array(fc.constantFrom('%', '2', 'F', '0', 'C3', '%BC', '/', 'a', '?'))
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(path, (rest) => {
        const parsed = parseRawPath(`/raw/${rest}`);
        if (parsed !== 'malformed') expect(isChannelName((parsed as { channel: string }).channel)).toBe(true);
      }),
    );
  });
});
