import { constants, deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { Inflater } from './inflater.ts';

function deflated(text: string): Buffer {
  const whole = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return whole.subarray(0, whole.length - 4);
}

/** Where a message lies among others. */
function inflate(inflater: Inflater, compressed: Buffer): string {
  const bytes = Buffer.concat([Buffer.from('??'), compressed, Buffer.from('??')]);
  return inflater.inflate(bytes, 2, compressed.length).toString();
}

test('inflates each message for itself, those that were seen before too', () => {
  const inflater = new Inflater();
  const texts = Array.from({ length: 40 }, (_, i) => `${i} `.repeat(i * 100));
  for (const text of [...texts, ...texts.toReversed()])
    for (let subscriber = 0; subscriber < 3; subscriber += 1)
      expect(inflate(inflater, deflated(text))).toBe(text);
});

test('takes nothing for seen that differs in one bit', () => {
  const attempt = (inflater: Inflater, compressed: Buffer) => {
    try {
      return inflate(inflater, compressed);
    } catch (error) {
      return String(error);
    }
  };
  const inflater = new Inflater();
  const compressed = deflated('the very same '.repeat(10));
  expect(inflate(inflater, compressed)).toBe('the very same '.repeat(10));
  for (let bit = 0; bit < compressed.length * 8; bit += 1) {
    const damaged = Buffer.from(compressed);
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(attempt(inflater, damaged), `bit ${bit}`).toBe(attempt(new Inflater(), damaged));
  }
});

test('refuses what is no DEFLATE', () => {
  expect(() => inflate(new Inflater(), Buffer.from([0xff, 0xff, 0xff]))).toThrow();
});
