import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutate, randomNumbers } from '../../test/support/mutate.ts';
import { Malformed } from './malformed.ts';
import {
  maxRelayFrameBytes,
  type ReadValue,
  RelayFrames,
  relayFrame,
  type WireValue,
} from './relay-frame.ts';

type Read = [number, ...ReadValue[]];

function readAll(...chunks: readonly Uint8Array[]): Read[] {
  const frames = new RelayFrames();
  const read: Read[] = [];
  for (const chunk of chunks)
    frames.push(Buffer.from(chunk), (type, values) => void read.push([type, ...values]));
  return read;
}

describe('a frame of the relay', () => {
  test('has these bytes', () => {
    expect(relayFrame(2, 'a', Buffer.from('hi')).toString('hex')).toBe(
      '00000008' + '93' + '02' + 'a161' + 'c4026869',
    );
  });

  test('keeps every kind of value', () => {
    const values: WireValue[] = [
      null,
      0,
      7,
      2 ** 40,
      -1,
      1.5,
      '',
      'text',
      Buffer.from([0, 255]),
      [1, ['x', null], []],
    ];
    expect(readAll(relayFrame(3, ...values))).toEqual([[3, ...values]]);
  });

  test('comes out the same however its bytes are cut', () => {
    const value = fc.letrec<{ value: WireValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.maxSafeNat(),
        fc.string({ maxLength: 50 }),
        fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
        fc.array(tie('value'), { maxLength: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.array(value, { maxLength: 4 })), { maxLength: 6 }),
        fc.array(fc.nat(400), { maxLength: 8 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(([type, values]) => relayFrame(type, ...values)));
          const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          const chunks = at.slice(1).map((end, n) => bytes.subarray(at[n], end));
          expect(readAll(...chunks)).toEqual(frames.map(([type, values]) => [type, ...values]));
        },
      ),
    );
  });

  test('that is broken is told as such, and nothing else is thrown', () => {
    const random = randomNumbers(1);
    const whole = relayFrame(6, 7, 'sha', ['key', 'key'], [Buffer.alloc(40), 'argument', '3']);
    for (let n = 0; n < 5_000; n += 1)
      try {
        readAll(mutate(whole, random));
      } catch (error) {
        expect(error).toBeInstanceOf(Malformed);
      }
  });

  test.each([
    ['longer than any', Buffer.from((maxRelayFrameBytes + 1).toString(16).padStart(8, '0'), 'hex')],
    ['no array', Buffer.from('0000000107', 'hex')],
    ['an array without a type', Buffer.from('0000000190', 'hex')],
    ['followed by something', Buffer.from('00000003910101', 'hex')],
    ['of a type that is never sent', Buffer.from('000000039201c3', 'hex')],
    ['nested too deeply', Buffer.from(`0000000b9200${'91'.repeat(8)}00`, 'hex')],
  ])('is refused when it is %s', (_, bytes) => {
    expect(() => readAll(bytes)).toThrow(Malformed);
  });
});
