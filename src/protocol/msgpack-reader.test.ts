import fc from 'fast-check';
import { addExtension, Packr, pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { Malformed } from './malformed.ts';
import { MsgpackReader, type MsgpackType } from './msgpack-reader.ts';

function open(bytes: Uint8Array | string): MsgpackReader {
  const reader = new MsgpackReader();
  reader.open(typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : Buffer.from(bytes));
  return reader;
}

/** One value of each type of the specification, and one with each size of its header. */
const everyType = {
  'positive fixint': '7f',
  fixmap: '81a16101',
  fixarray: '920102',
  fixstr: 'a26869',
  nil: 'c0',
  false: 'c2',
  true: 'c3',
  bin8: 'c4020102',
  bin16: 'c500020102',
  bin32: 'c6000000020102',
  ext8: 'c702050102',
  ext16: 'c80002050102',
  ext32: 'c900000002050102',
  float32: 'ca3fc00000',
  float64: 'cb3ff0000000000000',
  uint8: 'ccff',
  uint16: 'cdffff',
  uint32: 'ceffffffff',
  uint64: 'cfffffffffffffffff',
  int8: 'd080',
  int16: 'd18000',
  int32: 'd280000000',
  int64: 'd38000000000000000',
  fixext1: 'd40501',
  fixext2: 'd5050102',
  fixext4: 'd60501020304',
  fixext8: 'd7050102030405060708',
  fixext16: 'd8050102030405060708090a0b0c0d0e0f10',
  str8: 'd9026869',
  str16: 'da00026869',
  str32: 'db000000026869',
  array16: 'dc00020102',
  array32: 'dd000000020102',
  map16: 'de0001a16101',
  map32: 'df00000001a16101',
  'negative fixint': 'e0',
} as const;

type TypeName = keyof typeof everyType;
const types = Object.entries(everyType) as [TypeName, string][];

/** What the reader can be asked for, and the types that it takes then. */
const questions: [string, (reader: MsgpackReader) => unknown, TypeName[]][] = [
  ['array', (reader) => reader.array(), ['fixarray', 'array16', 'array32']],
  ['unsigned', (reader) => reader.unsigned(), ['positive fixint', 'uint8', 'uint16', 'uint32']],
  [
    'number',
    (reader) => reader.number(),
    [
      ...(['positive fixint', 'negative fixint', 'float32', 'float64'] as const),
      ...(['uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64'] as const),
    ],
  ],
  ['float', (reader) => reader.float(), ['float64']],
  ['text', (reader) => reader.text(9), ['fixstr', 'str8', 'str16', 'str32']],
  ['textSize', (reader) => reader.textSize(9), ['fixstr', 'str8', 'str16', 'str32']],
  ['binarySize', (reader) => reader.binarySize(9), ['bin8', 'bin16', 'bin32']],
  [
    'extensionSize',
    (reader) => reader.extensionSize(5),
    ['ext8', 'ext16', 'ext32', 'fixext1', 'fixext2', 'fixext4', 'fixext8', 'fixext16'],
  ],
];

describe.each(questions)('%s', (_name, ask, taken) => {
  test.each(types)('and %s', (type, hex) => {
    if (taken.includes(type)) expect(() => ask(open(hex))).not.toThrow();
    else expect(() => ask(open(hex))).toThrow(Malformed);
  });

  test('is malformed when nothing is left, and for the type that does not exist', () => {
    expect(() => ask(open(''))).toThrow(Malformed);
    expect(() => ask(open('c1'))).toThrow(Malformed);
  });

  test.each(taken)('is malformed wherever a %s is cut', (type) => {
    const bytes = Buffer.from(everyType[type], 'hex');
    for (let end = 0; end < bytes.length; end += 1)
      expect(() => ask(open(bytes.subarray(0, end)))).toThrow(Malformed);
  });
});

describe('a whole number', () => {
  test.each([
    ['00', 0],
    ['7f', 127],
    ['cc00', 0],
    ['cc80', 128],
    ['cd0001', 1],
    ['cdffff', 65_535],
    ['ce00010000', 65_536],
    ['ceffffffff', 2 ** 32 - 1],
    ['cf0000000000000001', 1],
    ['cf0000000100000000', 2 ** 32],
    ['cf001fffffffffffff', 2 ** 53 - 1],
  ])('%s is %d', (hex, value) => {
    const reader = open(hex);
    expect(reader.unsigned()).toBe(value);
    expect(reader.atEnd).toBe(true);
  });

  test.each([
    'cf0020000000000000',
    'cf0020000000000001',
    'cfffffffffffffffff',
    'ff',
    'd0ff',
    'd3ffffffffffffffff',
  ])('is not %s', (hex) => {
    expect(() => open(hex).unsigned()).toThrow(Malformed);
  });
});

describe('a number of any type', () => {
  test.each([
    ['7f', 127],
    ['e0', -32],
    ['ff', -1],
    ['ccff', 255],
    ['d0ff', -1],
    ['cd0100', 256],
    ['d1ff00', -256],
    ['ceffffffff', 2 ** 32 - 1],
    ['d280000000', -(2 ** 31)],
    ['cf001fffffffffffff', 2 ** 53 - 1],
    ['d3001fffffffffffff', 2 ** 53 - 1],
    ['d3ffe0000000000001', -(2 ** 53 - 1)],
    ['ca3fc00000', 1.5],
    ['cb3ff8000000000000', 1.5],
    ['cb7ff0000000000000', Number.POSITIVE_INFINITY],
    ['cb7ff8000000000000', Number.NaN],
  ])('%s is %d', (hex, value) => {
    const reader = open(hex);
    expect(reader.number()).toBe(value);
    expect(reader.atEnd).toBe(true);
  });

  test.each(['cf0020000000000000', 'cf0020000000000001', 'cfffffffffffffffff', 'd37fffffffffffffff'])(
    'beyond 2^53 is never taken for one below: %s',
    (hex) => {
      expect(open(hex).number()).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    },
  );
});

describe('an extension', () => {
  test.each([
    ['fixext1', 1],
    ['fixext2', 2],
    ['fixext4', 4],
    ['fixext8', 8],
    ['fixext16', 16],
    ['ext8', 2],
    ['ext16', 2],
    ['ext32', 2],
  ] as const)('in the form %s has %d bytes, which end at the position', (type, size) => {
    const reader = open(`${everyType[type]}2a`);
    expect(reader.extensionSize(5)).toBe(size);
    expect(reader.unsigned()).toBe(42);
  });

  test('of another type is passed by', () => {
    const reader = open('d405012a');
    expect(reader.extensionSize(4)).toBe(-1);
    expect(reader.unsigned()).toBe(42);
  });

  test('may be empty', () => {
    expect(open('c70005').extensionSize(5)).toBe(0);
  });
});

describe('what comes next', () => {
  const expected: [MsgpackType, TypeName[]][] = [
    ['nil', ['nil']],
    [
      'number',
      [
        ...(['positive fixint', 'negative fixint', 'float32', 'float64'] as const),
        ...(['uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64'] as const),
      ],
    ],
    ['text', ['fixstr', 'str8', 'str16', 'str32']],
    ['binary', ['bin8', 'bin16', 'bin32']],
    ['array', ['fixarray', 'array16', 'array32']],
    ['extension', ['ext8', 'ext16', 'ext32', 'fixext1', 'fixext2', 'fixext4', 'fixext8', 'fixext16']],
  ];

  test.each(types)('is known before it is read: %s', (type, hex) => {
    const [next] = expected.find(([, names]) => names.includes(type)) ?? ['other'];
    const reader = open(hex);
    expect(reader.next).toBe(next);
    expect(reader.position).toBe(0);
  });

  test.each(['', 'c1'])('is nothing that can be read: %j', (hex) => {
    expect(open(hex).next).toBe('other');
  });

  test('can be read again', () => {
    const reader = open('a26869a161');
    reader.skip();
    expect(reader.text(9)).toBe('a');
    reader.seek(0);
    expect(reader.text(9)).toBe('hi');
  });
});

describe('a float64', () => {
  test.each([
    'cb7ff0000000000000',
    'cbfff0000000000000',
    'cb7ff8000000000000',
    'cb7ff0000000000001',
    'ca3fc00000',
  ])('is not %s', (hex) => {
    expect(() => open(hex).float()).toThrow(Malformed);
  });
});

describe('text and binary', () => {
  test('are at most as long as asked for', () => {
    expect(open('a26869').text(2)).toBe('hi');
    expect(() => open('a26869').text(1)).toThrow(Malformed);
    expect(() => open('a26869').textSize(1)).toThrow(Malformed);
    expect(open('c4026869').binarySize(2)).toBe(2);
    expect(() => open('c4026869').binarySize(1)).toThrow(Malformed);
  });

  test('end at the position', () => {
    const reader = open('a26869c40102');
    expect([reader.textSize(9), reader.position]).toEqual([2, 3]);
    expect([reader.binarySize(9), reader.position]).toEqual([1, 6]);
  });

  test('may be empty', () => {
    expect([open('a0').text(0), open('d900').text(0), open('c400').binarySize(0)]).toEqual(['', '', 0]);
  });

  test('of invalid UTF-8 is read with replacement characters, as everywhere', () => {
    expect(open('a3ff6180').text(9)).toBe('\ufffda\ufffd');
  });
});

describe('a length that cannot be true', () => {
  const twentyBytes = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(20)], 20);

  test.each([
    ['str32', 'dbffffffff', (reader: MsgpackReader) => reader.text(2 ** 53 - 1)],
    ['str32', 'dbffffffff', (reader: MsgpackReader) => reader.textSize(2 ** 53 - 1)],
    ['bin32', 'c6ffffffff', (reader: MsgpackReader) => reader.binarySize(2 ** 53 - 1)],
    ['array32', 'ddffffffff', (reader: MsgpackReader) => reader.array()],
    ['str32', 'dbffffffff', (reader: MsgpackReader) => reader.skip()],
    ['bin32', 'c6ffffffff', (reader: MsgpackReader) => reader.skip()],
    ['ext32', 'c9ffffffff', (reader: MsgpackReader) => reader.skip()],
    ['array32', 'ddffffffff', (reader: MsgpackReader) => reader.skip()],
    ['map32', 'dfffffffff', (reader: MsgpackReader) => reader.skip()],
    ['array16', 'dcffff', (reader: MsgpackReader) => reader.skip()],
    ['map16', 'deffff', (reader: MsgpackReader) => reader.skip()],
  ])('is refused at once: %s, %s', (_type, hex, ask) => {
    const before = process.memoryUsage();
    for (let i = 0; i < 1_000; i += 1) expect(() => ask(open(twentyBytes(hex)))).toThrow(Malformed);
    const after = process.memoryUsage();
    // A thousand times 4 GiB would not have gone unnoticed.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 2 ** 20);
  });

  test('is one more than the bytes that are left', () => {
    expect(open('92c0c0').array()).toBe(2);
    expect(() => open('93c0c0').array()).toThrow(Malformed);
    expect(() => open('93c0c0').skip()).toThrow(Malformed);
  });
});

describe('skip', () => {
  test.each(types)('passes %s and nothing behind it', (_type, hex) => {
    const reader = open(`${hex}2a`);
    reader.skip();
    expect(reader.position).toBe(hex.length / 2);
    expect(reader.unsigned()).toBe(42);
  });

  test.each(types)('is malformed wherever %s is cut', (_type, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    for (let end = 0; end < bytes.length; end += 1)
      expect(() => open(bytes.subarray(0, end)).skip()).toThrow(Malformed);
  });

  test('refuses the type that does not exist, wherever it stands', () => {
    expect(() => open('c1').skip()).toThrow(Malformed);
    expect(() => open('92c0c1').skip()).toThrow(Malformed);
  });

  test('passes whatever msgpackr writes', () => {
    class Point {}
    addExtension({ Class: Point, type: 5, pack: () => Buffer.alloc(17, 1), unpack: () => new Point() });
    const leaf = fc.oneof(
      fc.constantFrom<unknown>(null, true, false, undefined, new Point()),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.double(),
      fc.string({ unit: 'grapheme' }),
      fc.string({ minLength: 40, maxLength: 300, size: 'max' }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.date({ noInvalidDate: true }),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, leaf, tie('array'), tie('object'), tie('map')),
      array: fc.array(tie('value'), { maxLength: 20 }),
      object: fc.dictionary(fc.string(), tie('value'), { maxKeys: 20 }),
      map: fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 20 }).map((pairs) => new Map(pairs)),
    }));
    const packers = [new Packr({ useRecords: false }), new Packr({ useRecords: false, useFloat32: 1 })];
    fc.assert(
      fc.property(value, fc.constantFrom(...packers), (anything, packer) => {
        const bytes = packer.pack(anything);
        const reader = open(bytes);
        reader.skip();
        expect(reader.atEnd).toBe(true);
        for (let end = 0; end < Math.min(bytes.length, 40); end += 1)
          expect(() => open(bytes.subarray(0, end)).skip()).toThrow(Malformed);
      }),
    );
  });

  test('passes large maps and arrays', () => {
    const entries = Array.from({ length: 70_000 }, (_, i): [number, number] => [i, i]);
    for (const value of [entries, new Map(entries), new Map(entries.slice(0, 300))]) {
      const reader = open(pack(value));
      reader.skip();
      expect(reader.atEnd).toBe(true);
    }
  });

  test.each([
    ['arrays', '91'],
    ['maps', '81c0'],
    ['wide arrays', 'dc0001'],
  ])('follows eight values within values and no more: %s', (_what, hex) => {
    const nested = (depth: number) => `${hex.repeat(depth)}c0`;
    expect(() => open(nested(7)).skip()).not.toThrow();
    expect(() => open(nested(8)).skip()).toThrow(Malformed);
    expect(() => open(nested(10_000)).skip()).toThrow(Malformed);
    expect(() => open(hex.repeat(10_000)).skip()).toThrow(Malformed);
  });
});

test('garbage is malformed or a value, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...questions), (bytes, [, ask]) => {
      for (const action of [ask, (reader: MsgpackReader) => reader.skip()]) {
        const reader = open(bytes);
        try {
          action(reader);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
        expect(reader.position).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a reader begins anew with every open', () => {
  const reader = open('01');
  expect(reader.unsigned()).toBe(1);
  expect([reader.position, reader.atEnd]).toEqual([1, true]);
  reader.open(Buffer.from('0203', 'hex'));
  expect([reader.position, reader.atEnd]).toEqual([0, false]);
  expect(reader.unsigned()).toBe(2);
});
