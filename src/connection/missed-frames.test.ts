import { beforeEach, expect, test } from 'vitest';
import { Publication } from '../channel/publication.ts';
import type { Codec } from '../protocol/codec.ts';
import { jsonCodec } from '../protocol/json-codec.ts';
import { msgpackCodec } from '../protocol/msgpack-codec.ts';
import { MissedFrames } from './missed-frames.ts';

const room = { channel: 'a', number: 7 };
const texts = (count: number, text = 'x') => Array.from({ length: count }, () => Publication.text(text, 5));
const at = (offset: number, epoch = 'e') => ({ epoch, offset });

let encoded: number;
let missed: MissedFrames;
const counting = (codec: Codec): Codec => {
  const batch: Codec['batch'] = (head, publications) => {
    encoded += 1;
    return codec.batch(head, publications);
  };
  return Object.assign(Object.create(codec), { batch });
};
beforeEach(() => {
  encoded = 0;
  missed = new MissedFrames(counting(jsonCodec));
});

test('the same range of a room is encoded once', () => {
  const first = missed.encode(room, at(9), texts(2), 1_000);
  expect(first?.frames).toEqual([
    '{"type":"batch","channel":"a","sequence":0,"offset":9,"time":5,"publications":[{"text":"x"},{"text":"x"}]}',
  ]);
  expect(first?.bytes).toBe(String(first?.frames[0]).length);
  expect(missed.encode(room, at(9), texts(2), 1_000)).toBe(first);
  expect(encoded).toBe(1);
});

test.each([
  ['another end', () => missed.encode(room, at(10), texts(2), 1_000)],
  ['another beginning', () => missed.encode(room, at(9), texts(3), 1_000)],
  ['another epoch', () => missed.encode(room, at(9, 'f'), texts(2), 1_000)],
  ['another room', () => missed.encode({ channel: 'a', number: 8 }, at(9), texts(2), 1_000)],
])('%s is something else', (_what, encode) => {
  missed.encode(room, at(9), texts(2), 1_000);
  encode();
  expect(encoded).toBe(2);
});

test('what is more than may be sent is not, though it was encoded for somebody else', () => {
  expect(missed.encode(room, at(9), texts(2), 50)).toBeNull();
  const bytes = missed.encode(room, at(9), texts(2), 1_000)?.bytes ?? 0;
  expect(missed.encode(room, at(9), texts(2), bytes - 1)).toBeNull();
  expect(missed.encode(room, at(9), texts(2), bytes)?.bytes).toBe(bytes);
});

test('bytes of a codec that uses them again are its own, and large ones are frames of their own', () => {
  const packed = new MissedFrames(msgpackCodec);
  const first = packed.encode(room, at(3), texts(3, 'x'.repeat(70_000)), 1_000_000);
  expect(first?.frames).toHaveLength(3);
  const copy = first?.frames.map((frame) => Buffer.from(frame as Uint8Array).toString('hex'));
  packed.encode(room, at(6), texts(3, 'y'.repeat(70_000)), 1_000_000);
  expect(first?.frames.map((frame) => Buffer.from(frame as Uint8Array).toString('hex'))).toEqual(copy);
});

test('what is kept is bounded, and the oldest goes first', () => {
  const large = texts(1, 'x'.repeat(1_000_000));
  for (const offset of [1, 2, 3, 4]) missed.encode(room, at(offset), large, 2_000_000);
  missed.encode(room, at(1), large, 2_000_000);
  expect(encoded).toBe(4);
  missed.encode(room, at(5), large, 2_000_000);
  missed.encode(room, at(1), large, 2_000_000);
  expect(encoded).toBe(5);
  missed.encode(room, at(2), large, 2_000_000);
  expect(encoded).toBe(6);
});
