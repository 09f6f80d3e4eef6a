import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isChannelName, parseRawPath } from '../channel/channel-name.ts';
import { defaultRoom, findRoomFlaw, pagePath, roomInQuery, socketUrl } from './room-address.js';

const page = { protocol: 'http:', host: 'localhost:3000' };
const anyRoom = fc.string({ unit: 'binary', maxLength: 210, size: 'max' });

describe('the name of a room', () => {
  test.each(['livechat', 'a', ' ', 'a/b', '...', 'Küche', '🙂'.repeat(50), '?', '#', '%2F'])(
    'may be %j',
    (room) => {
      expect(findRoomFlaw(room)).toBeNull();
    },
  );

  test.each(['', '.', '..', 'a\n', '\u0000', '\u0085', '\ud800', 'a'.repeat(201), 'é'.repeat(101)])(
    'may not be %j',
    (room) => {
      expect(findRoomFlaw(room)).toEqual(expect.any(String));
    },
  );

  test('follows the rule of channels, apart from what a browser takes for a directory', () => {
    fc.assert(
      fc.property(fc.oneof(anyRoom, fc.string({ maxLength: 3 })), (room) => {
        fc.pre(room !== '.' && room !== '..');
        expect(findRoomFlaw(room) === null).toBe(isChannelName(room));
      }),
    );
  });
});

describe('the address of the page', () => {
  test('of the default room is plain', () => {
    expect(pagePath(defaultRoom)).toBe('/');
    expect([roomInQuery(''), roomInQuery('?room='), roomInQuery('?other=1')]).toEqual(
      new Array(3).fill(defaultRoom),
    );
  });

  test('of any other room names it', () => {
    expect(pagePath('a b/c&d')).toBe('/?room=a%20b%2Fc%26d');
    expect(roomInQuery('?room=a+b%2Fc%26d&room=other')).toBe('a b/c&d');
  });

  test('leads back to its room', () => {
    fc.assert(
      fc.property(anyRoom, (room) => {
        fc.pre(findRoomFlaw(room) === null);
        expect(roomInQuery(new URL(pagePath(room), 'http://localhost').search)).toBe(room);
      }),
    );
  });
});

describe('the WebSocket of a room', () => {
  test.each([
    ['livechat', page, 'ws://localhost:3000'],
    ['left', page, 'ws://localhost:3000/raw/left'],
    ['a b/c?d', page, 'ws://localhost:3000/raw/a%20b%2Fc%3Fd'],
    ['left', { protocol: 'https:', host: 'example.com' }, 'wss://example.com/raw/left'],
    ['livechat', { protocol: 'https:', host: 'example.com' }, 'wss://example.com'],
  ])('%j on %j is %s', (room, from, url) => {
    expect(socketUrl(room, from)).toBe(url);
  });

  test('is where the node has that room', () => {
    fc.assert(
      fc.property(anyRoom, (room) => {
        fc.pre(findRoomFlaw(room) === null);
        expect(parseRawPath(new URL(socketUrl(room, page)).pathname)).toEqual({ channel: room });
      }),
    );
  });
});
