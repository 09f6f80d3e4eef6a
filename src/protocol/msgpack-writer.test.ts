import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { MsgpackReader } from './msgpack-reader.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

function written(write: (writer: MsgpackWriter) => void): Buffer {
  const writer = new MsgpackWriter();
  write(writer);
  return writer.copy();
}

/** The first bytes, for values that are too long to be written down. */
function head(bytes: Buffer, count: number): string {
  return bytes.toString('hex', 0, count);
}

const anyUnsigned = fc.oneof(fc.nat(300), fc.nat(70_000), fc.maxSafeNat());
const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ maxLength: 600, size: 'max' }),
);

describe('a whole number', () => {
  test.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [2 ** 31, 'ce80000000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [2 ** 32 + 1, 'cf0000000100000001'],
    [2 ** 33 - 1, 'cf00000001ffffffff'],
    [2 ** 53 - 1, 'cf001fffffffffffff'],
  ])('%d is %s', (value, hex) => {
    expect(written((writer) => writer.unsigned(value)).toString('hex')).toBe(hex);
  });

  test('up to 32 bits is written as msgpackr writes it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(300), fc.nat(70_000), fc.nat(2 ** 32 - 1)), (value) => {
        expect(written((writer) => writer.unsigned(value))).toEqual(pack(value));
      }),
    );
  });

  // There msgpackr writes floats, or int64 for a bigint.
  test('beyond 32 bits is read by msgpackr as what it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER }), (value) => {
        expect(unpack(written((writer) => writer.unsigned(value)))).toBe(BigInt(value));
      }),
    );
  });
});

describe('text', () => {
  test.each([
    ['', 'a0'],
    ['a', 'a161'],
    ['é', 'a2c3a9'],
    ['🙂', 'a4f09f9982'],
    ['\ud800', 'a3efbfbd'],
  ])('%j is %s', (value, hex) => {
    expect(written((writer) => writer.text(value)).toString('hex')).toBe(hex);
  });

  test.each([
    [31, 'bf'],
    [32, 'd920'],
    [255, 'd9ff'],
    [256, 'da0100'],
    [65_535, 'daffff'],
    [65_536, 'db00010000'],
  ])('of %d bytes begins with %s', (size, hex) => {
    const bytes = written((writer) => writer.text('x'.repeat(size)));
    expect(head(bytes, hex.length / 2)).toBe(hex);
    expect(bytes.length).toBe(hex.length / 2 + size);
    expect(bytes).toEqual(pack('x'.repeat(size)));
  });

  test('has the size of its bytes, not of its characters', () => {
    expect(
      head(
        written((writer) => writer.text('é'.repeat(16))),
        2,
      ),
    ).toBe('d920');
    expect(
      head(
        written((writer) => writer.text('é'.repeat(128))),
        3,
      ),
    ).toBe('da0100');
  });

  test('is written as msgpackr writes it', () => {
    fc.assert(
      fc.property(anyText, (value) => {
        expect(written((writer) => writer.text(value))).toEqual(pack(value));
      }),
    );
  });
});

describe('binary', () => {
  test.each([
    [0, 'c400'],
    [1, 'c401'],
    [255, 'c4ff'],
    [256, 'c50100'],
    [65_535, 'c5ffff'],
    [65_536, 'c600010000'],
  ])('of %d bytes begins with %s', (size, hex) => {
    const value = Buffer.alloc(size, 0xab);
    const bytes = written((writer) => writer.binary(value));
    expect(head(bytes, hex.length / 2)).toBe(hex);
    expect(bytes.subarray(hex.length / 2).equals(value)).toBe(true);
    expect(bytes.equals(pack(value))).toBe(true);
  });

  test('is the window of a view, not the buffer behind it', () => {
    const view = new Uint8Array(Buffer.from('0102030405', 'hex')).subarray(1, 3);
    expect(written((writer) => writer.binary(view)).toString('hex')).toBe('c4020203');
  });

  test('is copied', () => {
    const writer = new MsgpackWriter();
    const value = Buffer.from('hi');
    writer.binary(value);
    value.fill(0);
    expect(writer.copy().toString('hex')).toBe('c4026869');
  });

  test('from text is that of its UTF-8', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyText, fc.constant('x'.repeat(256)), fc.constant('é'.repeat(40_000))),
        (text) => {
          const bytes = written((writer) => writer.textAsBinary(text));
          expect(bytes.equals(written((writer) => writer.binary(Buffer.from(text))))).toBe(true);
        },
      ),
    );
  });
});

describe('text that is UTF-8 already', () => {
  test('is written as the same text is', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.constantFrom('x'.repeat(256), 'é'.repeat(40_000))), (text) => {
        const bytes = written((writer) => writer.utf8AsText(Buffer.from(text)));
        expect(bytes.equals(written((writer) => writer.text(text)))).toBe(true);
      }),
    );
  });
});

describe('an extension', () => {
  test.each([
    [0, 'c70001'],
    [1, 'd401'],
    [2, 'd501'],
    [3, 'c70301'],
    [4, 'd601'],
    [5, 'c70501'],
    [8, 'd701'],
    [15, 'c70f01'],
    [16, 'd801'],
    [17, 'c71101'],
    [32, 'c72001'],
    [255, 'c7ff01'],
    [256, 'c8010001'],
    [65_535, 'c8ffff01'],
    [65_536, 'c90001000001'],
  ])('of %d bytes begins with %s', (size, hex) => {
    const content = Buffer.alloc(size, 'x');
    for (const given of [content, content.toString()]) {
      const bytes = written((writer) => writer.extension(1, given));
      expect(head(bytes, hex.length / 2)).toBe(hex);
      expect(bytes.subarray(hex.length / 2).equals(content)).toBe(true);
    }
  });

  test('has the size of its bytes, not of its characters', () => {
    expect(written((writer) => writer.extension(127, 'é')).toString('hex')).toBe('d57fc3a9');
  });
});

test('nil, true and false have a byte each', () => {
  const bytes = written((writer) => {
    writer.nil();
    writer.boolean(true);
    writer.boolean(false);
  });
  expect(bytes.toString('hex')).toBe('c0c3c2');
});

test('a view shows what was written, a copy keeps it', () => {
  const writer = new MsgpackWriter();
  writer.text('left');
  const [view, copy] = [writer.view(), writer.copy()];
  expect(view).toEqual(copy);
  writer.clear(4_096);
  writer.text('over');
  expect([view.toString('hex'), copy.toString('hex')]).toEqual(['a46f766572', 'a46c656674']);
});

describe('an array', () => {
  test.each([
    [0, '90'],
    [15, '9f'],
    [16, 'dc0010'],
    [65_535, 'dcffff'],
    [65_536, 'dd00010000'],
    [2 ** 32 - 1, 'ddffffffff'],
  ])('of %d begins with %s', (length, hex) => {
    expect(written((writer) => writer.array(length)).toString('hex')).toBe(hex);
  });

  test.each([0, 1, 15, 16, 65_535, 65_536])('of %d is written as msgpackr writes it', (length) => {
    const bytes = written((writer) => {
      writer.array(length);
      for (let i = 0; i < length; i += 1) writer.unsigned(7);
    });
    expect(bytes.equals(pack(new Array(length).fill(7)))).toBe(true);
  });

  test('that is opened before its length is known has room for any length', () => {
    const writer = new MsgpackWriter();
    const position = writer.openArray();
    expect(writer.copy().toString('hex')).toBe('dd00000000');
    writer.unsigned(1);
    writer.unsigned(2);
    writer.setArrayLength(position, 2);
    expect(writer.copy().toString('hex')).toBe('dd000000020102');
    writer.setArrayLength(position, 2 ** 32 - 1);
    expect(writer.copy().toString('hex')).toBe('ddffffffff0102');
  });
});

describe('a float64', () => {
  test.each([
    [0, 'cb0000000000000000'],
    [-0, 'cb8000000000000000'],
    [1, 'cb3ff0000000000000'],
    [1_700_000_000_000.5, 'cb4278bcfe56800800'],
  ])('%d is %s', (value, hex) => {
    expect(written((writer) => writer.float(value)).toString('hex')).toBe(hex);
  });

  test('that is filled in later changes nothing else', () => {
    const writer = new MsgpackWriter();
    writer.unsigned(1);
    const position = writer.float(0);
    writer.unsigned(2);
    writer.setFloat(position, 1);
    expect(writer.copy().toString('hex')).toBe('01cb3ff000000000000002');
  });
});

describe('the buffer', () => {
  test('grows with what is written, whatever the steps', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 20 }), (sizes) => {
        const writer = new MsgpackWriter();
        for (const [i, size] of sizes.entries()) writer.binary(Buffer.alloc(size, i + 1));
        const expected = Buffer.concat(sizes.map((size, i) => pack(Buffer.alloc(size, i + 1))));
        expect(writer.length).toBe(expected.length);
        expect(writer.copy().equals(expected)).toBe(true);
      }),
    );
  });

  test.each([
    ['a whole number', (writer: MsgpackWriter) => writer.unsigned(2 ** 53 - 1), 'cf001fffffffffffff'],
    ['a float64', (writer: MsgpackWriter) => writer.float(1), 'cb3ff0000000000000'],
    ['an array', (writer: MsgpackWriter) => writer.array(65_536), 'dd00010000'],
    ['an open array', (writer: MsgpackWriter) => writer.openArray(), 'dd00000000'],
    ['text', (writer: MsgpackWriter) => writer.text('hi'), 'a26869'],
    ['no text', (writer: MsgpackWriter) => writer.text(''), 'a0'],
    ['binary', (writer: MsgpackWriter) => writer.binary(Buffer.from('hi')), 'c4026869'],
    ['text as binary', (writer: MsgpackWriter) => writer.textAsBinary('hi'), 'c4026869'],
  ])('takes %s wherever its end is', (_what, write, hex) => {
    for (let before = 1_000; before <= 1_030; before += 1) {
      const writer = new MsgpackWriter();
      for (let i = 0; i < before; i += 1) writer.unsigned(1);
      write(writer);
      expect(writer.length).toBe(before + hex.length / 2);
      expect(writer.copy().toString('hex', before)).toBe(hex);
    }
    const full = new MsgpackWriter();
    full.binary(Buffer.alloc(70_000)); // Has a buffer of exactly this size now.
    write(full);
    expect(full.copy().toString('hex', 70_005)).toBe(hex);
  });

  test('is used again after clear, and keeps nothing of what was in it', () => {
    const writer = new MsgpackWriter();
    writer.text('left');
    writer.clear(4_096);
    expect(writer.length).toBe(0);
    expect(writer.copy().length).toBe(0);
    writer.unsigned(5);
    expect(writer.copy().toString('hex')).toBe('05');
  });

  test('may be cleared after it grew beyond what is kept', () => {
    const writer = new MsgpackWriter();
    writer.binary(Buffer.alloc(100_000));
    writer.clear(50_000);
    writer.binary(Buffer.alloc(5_000, 1));
    expect(writer.copy().equals(pack(Buffer.alloc(5_000, 1)))).toBe(true);
  });

  test('is not what a copy lies in', () => {
    const writer = new MsgpackWriter();
    writer.text('left');
    const copy = writer.copy();
    writer.clear(4_096);
    writer.text('over');
    expect(copy.toString('hex')).toBe('a46c656674');
  });
});

test('whatever is written is read back', () => {
  const value = fc.oneof(
    fc.record({ type: fc.constant('unsigned' as const), value: anyUnsigned }),
    fc.record({ type: fc.constant('text' as const), value: anyText }),
    fc.record({ type: fc.constant('binary' as const), value: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({
      type: fc.constant('float' as const),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    }),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 30 }), (values) => {
      const writer = new MsgpackWriter();
      writer.array(values.length);
      for (const { type, value } of values) {
        if (type === 'unsigned') writer.unsigned(value);
        else if (type === 'text') writer.text(value);
        else if (type === 'binary') writer.binary(value);
        else writer.float(value);
      }
      const bytes = writer.copy();
      const reader = new MsgpackReader();
      reader.open(bytes);
      expect(reader.array()).toBe(values.length);
      for (const { type, value } of values) {
        if (type === 'unsigned') expect(reader.unsigned()).toBe(value);
        else if (type === 'text') expect(reader.text(1_000_000)).toBe(value);
        else if (type === 'float') expect(reader.float()).toBe(value);
        else {
          const size = reader.binarySize(300);
          expect(bytes.subarray(reader.position - size, reader.position)).toEqual(Buffer.from(value));
        }
      }
      expect(reader.atEnd).toBe(true);
    }),
  );
});
