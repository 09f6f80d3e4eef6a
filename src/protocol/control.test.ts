import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { writeBeat } from './beat.ts';
import { type Control, maxControlBytes, mayBeControl, readControl, writeControl } from './control.ts';

const head = { from: 'left', request: 7, to: '' };
const examples: [string, Control, unknown[]][] = [
  [
    'a question for subscribers',
    { ...head, type: 'question', question: { type: 'subscribers', channel: 'chat' } },
    [0, 1, 1, 'left', 7, '', 'chat'],
  ],
  [
    'a question for channels',
    { ...head, type: 'question', question: { type: 'channels', prefix: 'p', after: 'px', limit: 10 } },
    [0, 1, 2, 'left', 7, '', 'p', 'px', 10],
  ],
  [
    'an order to disconnect',
    {
      ...head,
      to: 'right',
      type: 'question',
      question: { type: 'disconnect', connection: 'right-3', comeBack: true },
    },
    [0, 1, 3, 'left', 7, 'right', 'right-3', 1],
  ],
  [
    'an answer',
    {
      ...head,
      to: 'right',
      type: 'answer',
      answer: { value: 300, channels: [{ channel: '__proto__', subscribers: 2 }] },
    },
    [0, 1, 4, 'left', 7, 'right', 300, ['__proto__', 2]],
  ],
];

describe.each(examples)('%s', (_name, control, elements) => {
  test('is MessagePack of the documented structure', () => {
    expect(writeControl(control)).toEqual(pack(elements));
  });

  test('is read as it was written, and may have grown', () => {
    expect(readControl(writeControl(control))).toEqual(control);
    expect(readControl(pack([...elements, 'more', { a: [1] }]))).toEqual(control);
  });

  test('is not read when it is cut, or followed by something', () => {
    const bytes = writeControl(control);
    for (let end = 0; end < bytes.length; end += 1) expect(readControl(bytes.subarray(0, end))).toBeNull();
    expect(readControl(Buffer.concat([bytes, Buffer.from([0])]))).toBeNull();
  });

  test('is told from a beat', () => {
    expect(mayBeControl(writeControl(control))).toBe(true);
  });
});

test('a beat is no control message', () => {
  const beat = writeBeat({
    bootId: 'b',
    nodeId: 'n',
    runId: '',
    sentAt: 0,
    sequences: new Map(),
    counts: null,
  });
  expect(mayBeControl(beat)).toBe(false);
  expect(readControl(beat)).toBeNull();
});

describe('no control message', () => {
  test.each<[string, unknown]>([
    ['has another version', [0, 2, 1, 'left', 7, '', 'chat']],
    ['has a kind that does not exist', [0, 1, 5, 'left', 7, '', 'chat']],
    ['comes from nobody', [0, 1, 1, '', 7, '', 'chat']],
    ['comes from a boot id that is too long', [0, 1, 1, 'b'.repeat(33), 7, '', 'chat']],
    ['asks for a channel that is too long', [0, 1, 1, 'left', 7, '', 'c'.repeat(201)]],
    ['asks for no channels', [0, 1, 2, 'left', 7, '', '', '', 0]],
    ['asks for more channels than an answer holds', [0, 1, 2, 'left', 7, '', '', '', 1_001]],
    ['ends a connection with a long id', [0, 1, 3, 'left', 7, '', 'x'.repeat(65), 0]],
    ['answers with half a channel', [0, 1, 4, 'left', 7, 'right', 0, ['a']]],
    ['answers with a negative number', [0, 1, 4, 'left', 7, 'right', -1, []]],
    ['answers with too many channels', [0, 1, 4, 'left', 7, 'right', 0, new Array(2_002).fill(1)]],
    ['is a map', { version: 1 }],
    ['is nothing', null],
  ])('%s', (_what, value) => {
    expect(readControl(pack(value))).toBeNull();
  });

  test('is larger than the longest answer', () => {
    const channels = Array.from({ length: 1_000 }, () => ({
      channel: 'c'.repeat(200),
      subscribers: Number.MAX_SAFE_INTEGER,
    }));
    const longest = writeControl({ ...head, type: 'answer', answer: { value: 0, channels } });
    expect(longest.length).toBeLessThanOrEqual(maxControlBytes);
    expect(readControl(longest)).not.toBeNull();
    expect(readControl(Buffer.alloc(maxControlBytes + 1, longest))).toBeNull();
  });

  test('is garbage, which never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(readControl(Buffer.from([0x97, 0, 1, ...bytes]))).toSatisfy(() => true);
      }),
    );
  });
});
