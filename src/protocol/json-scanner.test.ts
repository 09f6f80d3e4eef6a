import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { JsonScanner } from './json-scanner.ts';
import { Malformed } from './malformed.ts';

/** The levels of a text that is one JSON value, or null if it is not. */
function levelsOf(text: string, maxDepth = Number.POSITIVE_INFINITY): number | null {
  const scanner = new JsonScanner();
  scanner.open(text);
  try {
    scanner.passSpace();
    const levels = scanner.pass(maxDepth);
    scanner.passSpace();
    return scanner.atEnd ? levels : null;
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a value', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['-0.0e-0', 0],
    ['1E+9', 0],
    ['1e999', 0],
    ['123456789012345678901234567890.5', 0],
    ['""', 0],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE42"', 0],
    ['"\\ud800"', 0],
    ['"\u007f\u2028\u{10ffff}"', 0],
    ['true', 0],
    ['false', 0],
    ['null', 0],
    ['[]', 1],
    ['{}', 1],
    [' \t\r\n[ \t\r\n] \t\r\n', 1],
    ['[[],[[]],{}]', 3],
    ['{"a":{"b":[1]},"a":2}', 3],
    ['{ "" : [ { } , null ] , "" : "" }', 3],
    ['{"__proto__":{"constructor":1}}', 2],
  ])('%j has %d levels', (text, levels) => {
    expect(isJson(text)).toBe(true);
    expect(levelsOf(text)).toBe(levels);
  });

  test.each([
    ...['', ' ', '+1', '-', '01', '1.', '.5', '1e', '1e+', '0x10', '1_000', 'NaN', 'Infinity', '-Infinity'],
    ...['"', '"\\"', '"\\x41"', '"\\u12"', '"\\u12g4"', '"\\U0041"', "'a'", '"\n"', '"\t"', '"\u0000"'],
    ...['tru', 'True', 'nul', 'nulll', 'undefined', 'truefalse', '1 2', '1,', '[]]', '{}{}', '[][]'],
    ...['[', ']', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '[1}', '[}', '{]', '[[]', '[{]}'],
    ...['{', '}', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{,}', '{a:1}', '{1:1}', '{"a" 1}'],
    ...['{"a":}', '{"a":1 "b":2}', '{"a",1}', '{"a":1]', '/* */1', '1//', '\u00a01', '\ufeff1', '\v1'],
    ...['"\\', '"\\u', '"\\ud83', 'ｅ', '1ｅ5', '１', '"a" "b"', '{[]:1}', '-a', '--1', '1.e5', '1e5.5'],
  ])('is not %j', (text) => {
    expect(isJson(text)).toBe(false);
    expect(levelsOf(text)).toBeNull();
  });

  test('is whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 1, '\t', '\n '), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(levelsOf(text)).toBe(depthOf(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test('is what JSON.parse takes and nothing else: values with a flaw', () => {
    const flaw = fc.oneof(
      fc.constantFrom(...'"\\{}[]:,-+.0123456789eEutrfalsn \t\n\r\u0000\u001f\u0020/\ufeff'),
      anyText(1),
    );
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(2), flaw), { minLength: 1, maxLength: 3 }),
        (json, flaws) => {
          let text = json;
          for (const [place, taken, put] of flaws) {
            const at = place % (text.length + 1);
            text = text.slice(0, at) + put + text.slice(at + taken);
          }
          expect(levelsOf(text) !== null).toBe(isJson(text));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('is what JSON.parse takes and nothing else: characters at random', () => {
    const characters = fc.array(
      fc.constantFrom(
        ...['"', '\\', '{', '}', '[', ']', ':', ',', '-', '.', '0', '1', 'e', ' ', 'u0041'],
        ...['true', 'null', '"a":', '[]', '\n', '\u0000'],
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(characters, (parts) => {
        expect(levelsOf(parts.join('')) !== null).toBe(isJson(parts.join('')));
      }),
      { numRuns: 5_000 },
    );
  });

  test('is refused wherever it is cut', () => {
    const text = '{"a":[1.5e-3,true,null,{"\\u00e9\\n":"\\""}],"b":"é🙂"}';
    for (let end = 0; end < text.length; end += 1) expect(levelsOf(text.slice(0, end))).toBeNull();
  });
});

describe('the depth', () => {
  test.each([
    ['[', ']'],
    ['{"a":', '}'],
    [' [ 1 , ', ' ] '],
  ])('is bounded as asked: %j', (open, close) => {
    const nested = (levels: number) => `${open.repeat(levels)}0${close.repeat(levels)}`;
    expect(levelsOf(nested(8), 8)).toBe(8);
    expect(levelsOf(nested(9), 8)).toBeNull();
    expect(levelsOf(nested(0), 0)).toBe(0);
    expect(levelsOf(nested(1), 0)).toBeNull();
    // More than the room that a scanner has at first.
    expect(levelsOf(nested(5_000))).toBe(5_000);
  });

  test('beyond any stack is read all the same, and mismatches in it are found', () => {
    const nested = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(levelsOf(nested)).toBe(100_000);
    expect(levelsOf(`${nested.slice(0, 150_000)}}${nested.slice(150_001)}`)).toBeNull();
  });

  test('of one text is not that of the next', () => {
    const scanner = new JsonScanner();
    for (const [text, levels] of [
      ['[[[]]]', 3],
      [`${'['.repeat(3_000)}${']'.repeat(3_000)}`, 3_000],
      ['{}', 1],
    ] as const) {
      scanner.open(text);
      expect(scanner.pass(3_000)).toBe(levels);
    }
  });
});

describe('an object', () => {
  function membersOf(text: string): [key: string, value: string][] {
    const scanner = new JsonScanner();
    const members: [string, string][] = [];
    scanner.open(text);
    scanner.object((key) => {
      const start = scanner.position;
      scanner.pass(8);
      members.push([key, text.slice(start, scanner.position)]);
    });
    expect(scanner.atEnd).toBe(true);
    return members;
  }

  test('is its members in order, their values as they stand there', () => {
    expect(membersOf('{ "a" : [ 1.0 , 2 ]  ,"b":{ "c":1}}')).toEqual([
      ['a', '[ 1.0 , 2 ]'],
      ['b', '{ "c":1}'],
    ]);
    expect(membersOf('{}')).toEqual([]);
    expect(membersOf('{ }')).toEqual([]);
  });

  test('keeps repeated keys apart and reads escapes in keys', () => {
    expect(membersOf('{"a":1,"\\u0061":2,"\\"\\\\":3,"__proto__":4,"":5}')).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['"\\', '3'],
      ['__proto__', '4'],
      ['', '5'],
    ]);
  });

  test.each(['', '[]', '"a"', '1', '{', '{"a":1', '{"a":1,}', '{"a"}', '{"a":1 "b":2}', '{"a":1]'])(
    'is not %j',
    (text) => {
      expect(() => membersOf(text)).toThrow(Malformed);
    },
  );
});

describe('an array', () => {
  function elementsOf(text: string): string[] {
    const scanner = new JsonScanner();
    const elements: string[] = [];
    scanner.open(`..${text}`, 2);
    scanner.array(() => {
      const start = scanner.position;
      scanner.pass(8);
      elements.push(text.slice(start - 2, scanner.position - 2));
    });
    expect(scanner.atEnd).toBe(true);
    return elements;
  }

  test('is its elements in order, from any place in a text', () => {
    expect(elementsOf('[ "a" ,{"b":[ ]} , 1]')).toEqual(['"a"', '{"b":[ ]}', '1']);
    expect(elementsOf('[ ]')).toEqual([]);
  });

  test.each(['', '{}', '[', '[1', '[1,]', '[1 2]', '[1}'])('is not %j', (text) => {
    expect(() => elementsOf(text)).toThrow(Malformed);
  });
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
