import { expect, test } from 'vitest';
import { closeCodes } from '../close-codes.ts';
import { explainClose, retryAfterMs } from './close-words.js';

const opened = { opened: true, online: true };

test.each([1008, 1009])('%d is for good: coming back would end the same way', (code) => {
  expect(explainClose(code, opened).comeBack).toBe(false);
});

test.each([1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, 4_000, 0])(
  'after %d it is worth coming back',
  (code) => {
    expect(explainClose(code, opened).comeBack).toBe(true);
  },
);

test('every code with which a node closes is understood as the node means it', () => {
  for (const { code, comeBack } of Object.values(closeCodes))
    expect([code, explainClose(code, opened).comeBack]).toEqual([code, comeBack]);
});

test('a code without words of its own is named', () => {
  expect(explainClose(4_711, opened).words).toContain('4711');
  expect(explainClose(Number.NaN, opened).words).toContain('NaN');
});

test('a device without a network is told so, whatever the code', () => {
  expect(explainClose(1008, { opened: true, online: false })).toEqual({
    words: 'This device is offline',
    comeBack: true,
  });
});

test('a connection that never opened could not reach the node', () => {
  expect(explainClose(1006, { opened: false, online: true })).toEqual({
    words: 'The node cannot be reached',
    comeBack: true,
  });
});

test.each([
  ['{"reason":"stopping","retryAfterMs":1500}', 1_500],
  ['{"retryAfterMs":0}', 0],
  ['{"retryAfterMs":1e300}', 86_400_000],
  ['{"retryAfterMs":-1}', null],
  ['{"retryAfterMs":"1500"}', null],
  ['{"reason":"stopping"}', null],
  ['null', null],
  ['bye', null],
  ['', null],
])('the reason %s asks to be left alone for %s ms', (reason, wait) => {
  expect(retryAfterMs(reason)).toBe(wait);
});
