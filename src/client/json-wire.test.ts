import { describe, expect, it } from 'vitest';
import {
  connected,
  joinedWithSnapshot,
  oneJoinedOneRefused,
  oneRecoveredOneNot,
  position,
  published,
  subscribed,
} from '../../test/support/wire-messages.ts';
import { jsonWire } from './json-wire.ts';
import { outgoing } from './payload.ts';
import { Unreadable } from './wire.ts';

describe('what a client says', () => {
  it.each([
    [
      { type: 'connect', id: 1, version: 1, name: 'ticker/1.0', token: 't' },
      '{"type":"connect","id":1,"version":1,"client":"ticker/1.0","token":"t"}',
    ],
    [
      { type: 'connect', id: 1, version: 1, name: null, token: null },
      '{"type":"connect","id":1,"version":1}',
    ],
    [
      {
        type: 'subscribe',
        id: 2,
        channels: [
          { channel: 'a', wish: null },
          { channel: 'b"', wish: { since: { epoch: 'e', offset: 41 } } },
          { channel: 'c', wish: { last: 20 } },
        ],
      },
      '{"type":"subscribe","id":2,"channels":["a",{"channel":"b\\"","since":{"epoch":"e","offset":41}},{"channel":"c","last":20}]}',
    ],
    [{ type: 'unsubscribe', id: 3, channels: ['a'] }, '{"type":"unsubscribe","id":3,"channels":["a"]}'],
    [{ type: 'ping', id: 5 }, '{"type":"ping","id":5}'],
    [{ type: 'pong' }, '{"type":"pong"}'],
  ] as const)('%j', (request, frame) => {
    expect(jsonWire.encode(request)).toBe(frame);
  });

  it.each([
    [{ text: 'hi' }, '"json":{"text":"hi"}'],
    ['say "hi"', '"text":"say \\"hi\\""'],
    [Uint8Array.of(0, 255), '"binary":"AP8="'],
  ])('publish of %j', (data, field) => {
    const publish = { type: 'publish', id: 4, channel: 'chat', payload: outgoing(data) } as const;
    const start = '{"type":"publish","id":4,"channel":"chat"';
    expect(jsonWire.encode({ ...publish, idempotencyKey: null, key: null })).toBe(`${start},${field}}`);
    expect(jsonWire.encode({ ...publish, idempotencyKey: '"k"', key: null })).toBe(
      `${start},"idempotencyKey":"\\"k\\"",${field}}`,
    );
    expect(jsonWire.encode({ ...publish, idempotencyKey: null, key: 'EUR' })).toBe(
      `${start},"key":"EUR",${field}}`,
    );
  });

  it('a deletion', () => {
    const deletion = { type: 'publish', id: 4, channel: 'c', payload: null } as const;
    expect(jsonWire.encode({ ...deletion, idempotencyKey: null, key: 'EUR' })).toBe(
      '{"type":"publish","id":4,"channel":"c","key":"EUR","deleted":true}',
    );
  });
});

describe('what a node says', () => {
  const keyless = { key: null, deleted: false };

  it.each([
    [
      '{"type":"connected","id":1,"version":1,"node":"left","boot":"b","connection":"b-7","time":1764000000000,"pingIntervalMs":26667,"limits":{"maxPayloadBytes":65536,"maxSubscriptions":1000}}',
      connected,
    ],
    [
      '{"type":"subscribed","id":2,"channels":[{"channel":"chat","number":12,"sequence":40,"degraded":true}],"refused":[{"channel":"x","code":111,"message":"no"}]}',
      oneJoinedOneRefused,
    ],
    [
      '{"type":"subscribed","id":2,"channels":[{"channel":"a","number":1,"sequence":4,"epoch":"e","offset":57,"recovered":true},{"channel":"b","number":2,"sequence":0,"recovered":false,"reason":"unavailable","degraded":true}]}',
      oneRecoveredOneNot,
    ],
    ['{"type":"subscribed","id":2,"channels":[]}', subscribed([])],
    ['{"type":"unsubscribed","id":3,"channels":["chat"]}', { type: 'unsubscribed', id: 3 }],
    ['{"type":"published","id":4}', published],
    ['{"type":"published","id":4,"degraded":true}', { ...published, degraded: true }],
    ['{"type":"published","id":4,"epoch":"e","offset":57}', { ...published, position }],
    [
      '{"type":"published","id":4,"epoch":"e","offset":57,"duplicate":true}',
      { ...published, position, duplicate: true },
    ],
    ['{"type":"ping"}', { type: 'ping' }],
    ['{"type":"degraded","more":1}', { type: 'degraded', channel: null }],
    ['{"type":"degraded","channel":"chat"}', { type: 'degraded', channel: 'chat' }],
    ['{"type":"pong","id":5,"time":7}', { type: 'pong', id: 5, time: 7 }],
    [
      '{"type":"batch","channel":"chat","sequence":42,"time":7,"publications":[{"json":null},{"text":"ho"},{"binary":"AP8="},{"later":1}]}',
      {
        type: 'batch',
        channel: 'chat',
        sequence: 42,
        offset: null,
        time: 7,
        publications: [
          { kind: 'json', data: null, ...keyless },
          { kind: 'text', data: 'ho', ...keyless },
          { kind: 'binary', data: Uint8Array.of(0, 255), ...keyless },
          null,
        ],
      },
    ],
    [
      '{"type":"batch","channel":"chat","sequence":42}',
      { type: 'batch', channel: 'chat', sequence: 42, offset: null, time: 0, publications: [] },
    ],
    [
      '{"type":"batch","channel":"chat","sequence":42,"offset":57}',
      { type: 'batch', channel: 'chat', sequence: 42, offset: 57, time: 0, publications: [] },
    ],
    [
      '{"type":"gap","channel":"chat","reason":"later"}',
      { type: 'gap', channel: 'chat', reason: 'later', position: null },
    ],
    [
      '{"type":"gap","channel":"chat","reason":"not_kept","epoch":"e","offset":57}',
      { type: 'gap', channel: 'chat', reason: 'not_kept', position },
    ],
    [
      '{"type":"batch","channel":"c","sequence":2,"offset":2,"time":7,"publications":[{"key":"EUR","json":1},{"key":"USD","deleted":true},{"key":"GBP","later":1}]}',
      {
        type: 'batch',
        channel: 'c',
        sequence: 2,
        offset: 2,
        time: 7,
        publications: [
          { kind: 'json', data: 1, key: 'EUR', deleted: false },
          { kind: 'json', data: undefined, key: 'USD', deleted: true },
          null,
        ],
      },
    ],
    [
      '{"type":"subscribed","id":2,"channels":[{"channel":"a","number":1,"sequence":4,"epoch":"e","offset":57,"snapshot":0}]}',
      joinedWithSnapshot(0),
    ],
    [
      '{"type":"snapshot","channel":"c","reason":"conflated","epoch":"e","offset":57,"count":12,"sequence":3}',
      { type: 'snapshot', channel: 'c', reason: 'conflated', position, count: 12 },
    ],
    ['{"type":"error","id":4,"code":999,"message":"m"}', { type: 'error', id: 4, code: 999, message: 'm' }],
    ['{"type":"error","code":109,"message":"m"}', { type: 'error', id: null, code: 109, message: 'm' }],
  ])('%s', (frame, message) => {
    expect(jsonWire.decode(frame)).toEqual([message]);
  });

  it('in one frame is separated by newlines, wherever a payload has newlines and braces of its own', () => {
    const payload = '{\n"a": [{}\n,\n{}],\n"b": "}\\n{"\n}';
    const batch = `{"type":"batch","channel":"c","sequence":1,"time":7,"publications":[{"json":${payload}}]}`;
    const messages = jsonWire.decode(`{"type":"ping"}\n${batch}\n${batch}\n{"type":"ping"}`);
    expect(messages.map(({ type }) => type)).toEqual(['ping', 'batch', 'batch', 'ping']);
    expect(messages[1]).toMatchObject({ publications: [{ data: JSON.parse(payload) }] });
  });

  it('may be more than is known: types and fields of later versions are ignored', () => {
    expect(jsonWire.decode('{"type":"presence","who":[1]}\n{"type":"ping","later":{}}')).toEqual([
      { type: 'ping' },
    ]);
    expect(jsonWire.decode('{}\n')).toEqual([]);
  });

  it.each([
    '',
    '{',
    '1',
    'null',
    '[]',
    '{"type":"ping"}\n\n{"type":"ping"}',
    '{"type":"published"}',
    '{"type":"published","id":-1}',
    '{"type":"published","id":1.5}',
    '{"type":"published","id":1,"epoch":1,"offset":1}',
    '{"type":"batch","channel":"c","sequence":0,"offset":-1}',
    '{"type":"subscribed","id":1,"channels":[{"channel":"c","number":1,"sequence":1,"epoch":"e","offset":"1"}]}',
    '{"type":"batch","channel":1,"sequence":1,"time":1}',
    '{"type":"batch","channel":"c","sequence":"1","time":1}',
    '{"type":"batch","channel":"c","sequence":1,"time":1,"publications":{}}',
    '{"type":"batch","channel":"c","sequence":1,"time":1,"publications":[1]}',
    '{"type":"connected","node":"n"}',
    '{"type":"subscribed","id":1,"channels":[null]}',
    '{"type":"gap","channel":"c"}',
    '{"type":"snapshot","channel":"c","reason":"conflated","epoch":"e","count":1}',
    '{"type":"snapshot","channel":"c","reason":"conflated","epoch":"e","offset":1}',
    '{"type":"batch","channel":"c","sequence":1,"time":1,"publications":[{"key":1,"json":1}]}',
    '{"type":"error","code":"x","message":"m"}',
  ])('is unreadable if it is %s', (frame) => {
    expect(() => jsonWire.decode(frame)).toThrow(Unreadable);
  });

  it('is never binary', () => {
    expect(() => jsonWire.decode(new ArrayBuffer(2))).toThrow(Unreadable);
  });
});
