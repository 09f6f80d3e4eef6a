import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanName, compose, maxNameChars, maxTextChars, nodeInHello, parse } from './message.js';

const anyText = fc.string({ unit: 'binary' });

describe('a name', () => {
  test.each([
    ['Ada', 'Ada'],
    ['  Ada  ', 'Ada'],
    ['Ada: Lovelace', 'Ada Lovelace'],
    ['Ada\n\t Lovelace', 'Ada Lovelace'],
    [':::', ''],
    ['', ''],
    ['a'.repeat(40), 'a'.repeat(32)],
    ['Zoë 🙂', 'Zoë 🙂'],
  ])('%j becomes %j', (typed, name) => {
    expect(cleanName(typed)).toBe(name);
  });
});

describe('a message', () => {
  test.each([
    ['Ada: hi', 'Ada', 'hi'],
    ['Ada: two: colons', 'Ada', 'two: colons'],
    ['Ada: two\nlines', 'Ada', 'two\nlines'],
    ['Ada: ', 'Ada', ''],
    ['🙂: hi', '🙂', 'hi'],
    [' Ada : hi', 'Ada', 'hi'],
    ['hi', null, 'hi'],
    ['Ada:hi', null, 'Ada:hi'],
    [': hi', null, ': hi'],
    [' : hi', null, ' : hi'],
    ['', null, ''],
    ['A\nda: hi', null, 'A\nda: hi'],
    [`${'a'.repeat(33)}: hi`, null, `${'a'.repeat(33)}: hi`],
    ['{"node":"left"}', null, '{"node":"left"}'],
  ])('%j is from %j and says %j', (message, author, text) => {
    expect(parse(message)).toEqual({ author, text });
  });

  test('names whoever composed it, whatever they typed', () => {
    fc.assert(
      fc.property(anyText, anyText, (typed, text) => {
        const name = cleanName(typed);
        fc.pre(name !== '');
        expect(parse(compose(name, text))).toEqual({ author: name.toWellFormed(), text });
      }),
    );
  });

  test('is composed as the room will deliver it: without lone surrogates', () => {
    expect(compose('Ada', 'a\ud800b')).toBe('Ada: a\ufffdb');
  });

  test('of the longest name and text stays below 64 KiB', () => {
    const longest = compose('€'.repeat(maxNameChars), '€'.repeat(maxTextChars));
    expect(Buffer.byteLength(longest)).toBe(24_098);
  });
});

describe('a hello frame', () => {
  test.each([
    ['{"node":"left"}', 'left'],
    ['{"node":"left","degraded":true}', 'left'],
    ['{"node":5}', null],
    ['{}', null],
    ['null', null],
    ['"node"', null],
    ['[]', null],
    ['Ada: hi', null],
    ['', null],
    [new ArrayBuffer(2), null],
    [undefined, null],
  ])('%j is of node %j', (frame, node) => {
    expect(nodeInHello(frame)).toBe(node);
  });
});
