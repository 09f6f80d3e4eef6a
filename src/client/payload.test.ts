import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';
import { json, outgoing } from './payload.ts';

describe('what travels', () => {
  it.each([
    ['a string as text', 'hi', { kind: 'text', text: 'hi' }],
    ['an object as JSON', { a: [1, null] }, { kind: 'json', text: '{"a":[1,null]}' }],
    ['a number as JSON', 1.5, { kind: 'json', text: '1.5' }],
    ['null as JSON', null, { kind: 'json', text: 'null' }],
    ['bytes as binary', Uint8Array.of(1, 2), { kind: 'binary', bytes: Uint8Array.of(1, 2) }],
    ['a buffer as binary', Uint8Array.of(3).buffer, { kind: 'binary', bytes: Uint8Array.of(3) }],
    [
      'a view as the bytes that it shows',
      new DataView(Uint8Array.of(9, 1, 2, 9).buffer, 1, 2),
      { kind: 'binary', bytes: Uint8Array.of(1, 2) },
    ],
    ['a string as JSON when it is told so', json('hi'), { kind: 'json', text: '"hi"' }],
  ])('is %s', (_, data, expected) => {
    expect(outgoing(data)).toEqual(expected);
  });

  const circle: { self?: object } = {};
  circle.self = circle;
  it.each([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a circle', circle],
    ['a big integer', 1n],
    ['a lone surrogate', '\ud800'],
  ])('is refused with bad_payload for %s', (_, data) => {
    expect(() => outgoing(data)).toThrow(expect.objectContaining({ name: 'bad_payload', code: 110 }));
  });
});

describe('base64', () => {
  it('is what everybody writes, and comes back', () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 7) & 0xff);
    expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    expect(fromBase64('')).toEqual(new Uint8Array());
  });

  it('is nothing for what is not base64', () => {
    expect(fromBase64('%')).toBeNull();
  });
});
