import { describe, expect, test } from 'vitest';
import { choice, integer, integerOrAuto, list, optionalText, type Setting, text } from './setting.ts';

const sentence = 'What it does.';

function parse(setting: Setting, raw: unknown): unknown {
  const parsed = setting.schema.safeParse(raw);
  return parsed.success ? parsed.data : 'refused';
}

describe('a whole number', () => {
  const number = integer({ default: 5, min: -2, max: 1_000, sentence });

  test.each([
    ['0', 0],
    ['-2', -2],
    ['1000', 1_000],
    ['007', 7],
    [0, 0],
    [-2, -2],
    [1_000, 1_000],
  ])('takes %j', (raw, value) => {
    expect(parse(number, raw)).toBe(value);
  });

  test.each([
    '-3',
    '1001',
    '',
    ' 5',
    '5 ',
    '+5',
    '5.0',
    '5.5',
    '1e2',
    '0x10',
    '1_000',
    'five',
    '1000000000000000000000',
    'Infinity',
    -3,
    1_001,
    5.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    null,
    undefined,
    [5],
    {},
  ])('refuses %j', (raw) => {
    expect(parse(number, raw)).toBe('refused');
  });

  test('says what is allowed', () => {
    expect(number.allowed).toBe('a whole number from -2 to 1000');
  });
});

describe('a whole number that may be found at start', () => {
  const number = integerOrAuto({ min: 1, max: 9, sentence });

  test('is absent by default', () => {
    expect(number.default).toBeNull();
    expect(parse(number, null)).toBeNull();
  });

  test('keeps the bounds of a whole number', () => {
    expect(['1', 9, '0', 10, 'null', ''].map((raw) => parse(number, raw))).toEqual([
      1,
      9,
      'refused',
      'refused',
      'refused',
      'refused',
    ]);
  });
});

describe('text', () => {
  const name = text({ default: 'x', max: 4, sentence });

  test.each(['a', 'abcd', 'é €', ' '])('takes %j', (raw) => {
    expect(parse(name, raw)).toBe(raw);
  });

  test.each(['', 'abcde', 'a\n', '\t', 'a\u0000', '\u007f', '\u0085', 5, null, ['a']])(
    'refuses %j',
    (raw) => {
      expect(parse(name, raw)).toBe('refused');
    },
  );
});

describe('optional text', () => {
  const key = optionalText({ min: 3, max: 4, secret: true, sentence });

  test('is absent by default', () => {
    expect(key.default).toBeNull();
    expect(parse(key, null)).toBeNull();
  });

  test('has a shortest and a longest form', () => {
    expect(['ab', 'abc', 'abcd', 'abcde'].map((raw) => parse(key, raw))).toEqual([
      'refused',
      'abc',
      'abcd',
      'refused',
    ]);
    expect(key.allowed).toBe('3 to 4 printable characters');
  });

  test('needs one character where no shortest form is given', () => {
    const free = optionalText({ max: 4, sentence });
    expect([parse(free, ''), parse(free, 'a')]).toEqual(['refused', 'a']);
  });

  test('keeps in mind that it is secret', () => {
    expect([key.secret, optionalText({ max: 4, sentence }).secret]).toEqual([true, false]);
  });
});

describe('a choice', () => {
  const level = choice({ words: ['low', 'high'], default: 'low', sentence });

  test('takes its words and nothing else', () => {
    expect(['low', 'high', 'LOW', ' low', '', 'toString', 0, null].map((raw) => parse(level, raw))).toEqual([
      'low',
      'high',
      ...Array(6).fill('refused'),
    ]);
  });

  test('lists its words', () => {
    expect(level.allowed).toBe('one of low, high');
  });
});

describe('a list', () => {
  const words = list({
    default: [],
    item: (word) => /^[a-z]+$/.test(word),
    allowedItem: 'a word',
    maxItems: 3,
    sentence,
  });

  test.each([
    ['a,b', ['a', 'b']],
    [' a , b ,, ', ['a', 'b']],
    ['a', ['a']],
    ['', []],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[], []],
    ['a,b,c', ['a', 'b', 'c']],
  ])('reads %j', (raw, value) => {
    expect(parse(words, raw)).toEqual(value);
  });

  test.each([['a,B'], ['a b'], ['a,b,c,d'], [['a', '']], [[' a']], [[1]], [{ 0: 'a' }], [null], [7]])(
    'refuses %j',
    (raw) => {
      expect(parse(words, raw)).toBe('refused');
    },
  );
});
