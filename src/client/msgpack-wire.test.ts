import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import {
  chat,
  connected,
  joinedWithSnapshot,
  oneJoinedOneRefused,
  oneRecoveredOneNot,
  position,
  published,
  subscribed,
} from '../../test/support/wire-messages.ts';
import { Extension, MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWire } from './msgpack-wire.ts';
import { outgoing } from './payload.ts';
import { type Request, Unreadable } from './wire.ts';

const packr = new Packr({ useRecords: false });

/** A node's frame: messages one behind the other, packed by a library that is not ours. */
function frameOf(...messages: unknown[]): ArrayBuffer {
  return arrayBufferOf(Buffer.concat(messages.map((message) => packr.pack(message))));
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function hex(request: Request): string {
  return Buffer.from(new MsgpackWire().encode(request)).toString('hex');
}

describe('what a client says', () => {
  it.each([
    [{ type: 'connect', id: 1, version: 1, name: 'a/1', token: null }, '95010101a3612f31c0'],
    [
      {
        type: 'subscribe',
        id: 2,
        channels: [
          { channel: 'a', wish: null },
          { channel: 'bc', wish: { since: { epoch: 'e', offset: 41 } } },
          { channel: 'd', wish: { last: 20 } },
        ],
      },
      '93020293a161' + '92a2626392a16529' + '93a164c014',
    ],
    [{ type: 'unsubscribe', id: 128, channels: ['a'] }, '9303ce0000008091a161'],
    [{ type: 'ping', id: 2 ** 40 + 1 }, '9205cf0000010000000001'],
    [{ type: 'pong' }, '9106'],
  ] as const)('%j', (request, bytes) => {
    expect(hex(request)).toBe(bytes);
  });

  it.each([
    ['hi', 'a26869'],
    [Uint8Array.of(0, 255), 'c40200ff'],
    [{ a: 1 }, `c70701${Buffer.from('{"a":1}').toString('hex')}`],
  ])('publish of %j', (data, payload) => {
    const publish = { type: 'publish', id: 4, channel: 'c', payload: outgoing(data) } as const;
    const keys = { idempotencyKey: null, key: null };
    expect(hex({ ...publish, ...keys })).toBe(`940404a163${payload}`);
    expect(hex({ ...publish, ...keys, idempotencyKey: 'k' })).toBe(`950404a163${payload}a16b`);
    expect(hex({ ...publish, ...keys, key: 'K' })).toBe(`960404a163${payload}c0a14b`);
    expect(hex({ ...publish, idempotencyKey: 'k', key: 'K' })).toBe(`960404a163${payload}a16ba14b`);
  });

  it('a deletion', () => {
    const deletion = { type: 'publish', id: 4, channel: 'c', payload: null } as const;
    expect(hex({ ...deletion, idempotencyKey: null, key: 'K' })).toBe('960404a163c0c0a14b');
  });

  it.each([31, 32, 255, 256, 65_535, 65_536])('text and binary of %d bytes', (size) => {
    for (const data of ['x'.repeat(size), new Uint8Array(size).fill(7)]) {
      const frame = new MsgpackWire().encode({
        type: 'publish',
        id: 4,
        channel: 'c',
        payload: outgoing(data),
        idempotencyKey: null,
        key: null,
      });
      const read = packr.unpack(frame);
      expect(typeof data === 'string' ? read[3] : new Uint8Array(read[3])).toEqual(data);
    }
  });

  it('names a thousand channels in one array', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `prices:${index}`);
    const channels = names.map((channel) => ({ channel, wish: null }));
    expect(packr.unpack(new MsgpackWire().encode({ type: 'subscribe', id: 1, channels }))).toEqual([
      2,
      1,
      names,
    ]);
  });
});

describe('what a node says', () => {
  const joinsChat = [2, 2, [['chat', 12, 40]]];

  it.each([
    [[1, 1, 1, 'left', 'b', 'b-7', 1_764_000_000_000, 26_667, [65_536, 1_000, 'later']], connected],
    [[2, 2, [['chat', 12, 40, true]], [['x', 111, 'no']]], oneJoinedOneRefused],
    [joinsChat, subscribed([chat])],
    [
      [
        2,
        2,
        [
          ['a', 1, 4, null, 'e', 57, true],
          ['b', 2, 0, true, null, null, false, 'unavailable'],
        ],
      ],
      oneRecoveredOneNot,
    ],
    [[2, 2, [['a', 1, 4, null, 'e', 57, null, null, 3]]], joinedWithSnapshot(3)],
    [[4, 4], published],
    [[4, 4, true, null, null, null, 'later'], { ...published, degraded: true }],
    [[4, 4, false, 'e', 57], { ...published, position }],
    [[4, 4, null, 'e', 57, true], { ...published, position, duplicate: true }],
    [[5], { type: 'ping' }],
    [[6, 5, 7.5], { type: 'pong', id: 5, time: 7.5 }],
    [[6, null, 7], { type: 'pong', id: null, time: 7 }],
    [[9, 4, 999, 'm'], { type: 'error', id: 4, code: 999, message: 'm' }],
    [[9, null, 109, 'm'], { type: 'error', id: null, code: 109, message: 'm' }],
  ])('%j', (packed, message) => {
    expect(new MsgpackWire().decode(frameOf(packed))).toEqual([message]);
  });

  it('of a channel has the number that the channel got when it was joined', () => {
    const wire = new MsgpackWire();
    const gaps = [
      [8, 12, 2],
      [8, 12, 9],
      [8, 12, 3, 'e', 57],
    ];
    const marks = [
      [7, 12, 41, null, []],
      [7, 12, 41, null, [], 57],
    ];
    expect(wire.decode(frameOf(joinsChat, ...gaps, ...marks))).toMatchObject([
      { type: 'subscribed' },
      { type: 'gap', channel: 'chat', reason: 'bridge_away', position: null },
      { type: 'gap', channel: 'chat', reason: 'reason 9' },
      { type: 'gap', channel: 'chat', reason: 'epoch_changed', position },
      { type: 'batch', channel: 'chat', sequence: 41, offset: null, publications: [] },
      { type: 'batch', channel: 'chat', sequence: 41, offset: 57, publications: [] },
    ]);
    expect(wire.decode(frameOf([10, 12, 'conflated', 'e', 57, 3, 41]))).toEqual([
      { type: 'snapshot', channel: 'chat', reason: 'conflated', position, count: 3 },
    ]);
    // Left: what is still under way is nobody's.
    expect(wire.decode(frameOf([3, 3, ['chat']], [7, 12, 42, 7, ['x']], [8, 12, 1]))).toEqual([
      { type: 'unsubscribed', id: 3 },
    ]);
  });

  it('carries payloads of all kinds, and says which it does not know', () => {
    const extension = (type: number, text: string) =>
      Buffer.concat([Buffer.from([0xc7, text.length, type]), Buffer.from(text)]);
    const wire = new MsgpackWire();
    wire.decode(frameOf(joinsChat));
    const batch = Buffer.concat([
      Buffer.from([0x95, 7, 12, 45, 7, 0x96]),
      packr.pack('hö'),
      Buffer.from([0xc4, 2, 0, 255]),
      extension(1, '{"a":null}'),
      extension(1, '{'),
      extension(2, 'x'),
      Buffer.from([0xd4, 1, 0x31]),
    ]);
    expect(wire.decode(arrayBufferOf(batch))).toMatchObject([
      {
        publications: [
          { kind: 'text', data: 'hö' },
          { kind: 'binary', data: Uint8Array.of(0, 255) },
          { kind: 'json', data: { a: null } },
          null,
          null,
          { kind: 'json', data: 1 },
        ],
      },
    ]);
  });

  it('carries keys, and says which were deleted', () => {
    const wire = new MsgpackWire();
    wire.decode(frameOf(joinsChat));
    const publications = ['no key', ['EUR', 'text'], ['USD'], ['GBP', 7]];
    expect(wire.decode(frameOf([7, 12, 4, 7, publications, 4]))).toMatchObject([
      {
        publications: [
          { kind: 'text', data: 'no key', key: null, deleted: false },
          { kind: 'text', data: 'text', key: 'EUR', deleted: false },
          { data: undefined, key: 'USD', deleted: true },
          null,
        ],
      },
    ]);
  });

  it('may be of a type that is not known', () => {
    expect(new MsgpackWire().decode(frameOf([99, { a: 1 }], [5], []))).toEqual([{ type: 'ping' }]);
  });

  it.each([
    ['an object', frameOf({ a: 1 })],
    ['a number', frameOf(1)],
    ['without its id', frameOf([4])],
    ['with a negative id', frameOf([4, -1])],
    ['a batch of nothing at all', frameOf([7])],
    ['a gap of nothing at all', frameOf([8])],
    ['a snapshot of nothing at all', frameOf([10])],
    ['without its sequence', frameOf([2, 2, [['c', 1, 1]]], [7, 1])],
    ['with an offset that is none', frameOf([4, 4, false, 'e', 1.5])],
    ['with a key that is none', frameOf(joinsChat, [7, 12, 41, 7, [[1, 'x']]])],
    ['a snapshot without its size', frameOf(joinsChat, [10, 12, 'conflated', 'e', 1])],
    ['cut', frameOf([9, 4, 999, 'message']).slice(0, -1)],
    ['followed by garbage', arrayBufferOf(Uint8Array.of(0x91, 5, 0xc1))],
    ['an array longer than its bytes', arrayBufferOf(Uint8Array.of(0xdd, 255, 255, 255, 255))],
    ['text that is not UTF-8', arrayBufferOf(Uint8Array.of(0x94, 9, 4, 1, 0xa1, 0xff))],
    ['nested beyond reason', arrayBufferOf(new Uint8Array(1_000).fill(0x91))],
  ])('is unreadable if it is %s', (_, frame) => {
    expect(() => new MsgpackWire().decode(frame)).toThrow(Unreadable);
  });

  it('is never text', () => {
    expect(() => new MsgpackWire().decode('[5]')).toThrow(Unreadable);
  });
});

describe('the reader', () => {
  it.each([
    0,
    1,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    -1,
    -32,
    -33,
    -128,
    -129,
    -32_769,
    -(2 ** 31) - 1,
    1.5,
    null,
    true,
    false,
    '',
    'x'.repeat(24),
    'ü'.repeat(12),
    'x'.repeat(40),
    '\ufeffx',
    'x'.repeat(70_000),
    [],
    [1, [2, ['3']]],
    Array.from({ length: 70_000 }, () => 1),
  ])('reads %j as others wrote it', (value) => {
    const reader = new MsgpackReader(frameOf(value));
    expect(reader.value()).toEqual(value);
    expect(reader.atEnd).toBe(true);
  });

  it('passes over maps, and keeps the types of applications', () => {
    const reader = new MsgpackReader(
      arrayBufferOf(
        Buffer.concat([
          packr.pack({ a: { b: [1] } }),
          Buffer.from('d5030a0b', 'hex'),
          Buffer.from('ca3fc00000', 'hex'),
        ]),
      ),
    );
    expect([reader.value(), reader.value(), reader.value()]).toEqual([
      undefined,
      new Extension(3, Uint8Array.of(10, 11)),
      1.5,
    ]);
    expect(reader.atEnd).toBe(true);
  });

  it('finds every cut', () => {
    const whole = packr.pack([9, 4, 2 ** 40, 1.5, 'text', Buffer.from([1, 2]), ['x'.repeat(300)]]);
    for (let size = 0; size < whole.length; size += 1)
      expect(() => new MsgpackReader(arrayBufferOf(whole.subarray(0, size))).value()).toThrow(Unreadable);
  });
});
