import { expect, test } from 'vitest';
import { closingCode } from './broken-frame.ts';

test.each([
  ['Received too big message', 1009],
  ['Received too big message, or other inflation error', 1009],
  ['Received invalid UTF-8', 1007],
  ['Received invalid compressed data', 1007],
  ['Received invalid WebSocket frame', 1002],
  ['Received invalid close payload', 1002],
  ['Received unexpected RSV1 bit', 1002],
  ['Received an incorrectly masked frame', 1002],
  ['Received too big control frame', 1002],
])('the words "%s" mean %i', (reason, code) => {
  expect(closingCode(1006, reason)).toBe(code);
});

test.each(['', 'Received TCP FIN before WebSocket close frame', 'WebSocket timed out from inactivity'])(
  'the words "%s" tell no broken frame',
  (reason) => {
    expect(closingCode(1006, reason)).toBe(1006);
  },
);

test('words in a close frame of the peer mean nothing', () => {
  expect(closingCode(1000, 'Received too big message')).toBe(1000);
});
