import { describe, expect, test } from 'vitest';
import { blankText, isBarrel, scanImports } from './import-scanner.ts';

/** Backtick and dollar, so that the planted templates below stay readable. */
const tick = '`';
const open = '$' + '{';

function specifiers(source: string): string[] {
  return scanImports(source).map(({ specifier }) => specifier);
}

describe('scanning imports', () => {
  test.each([
    ["import a from './a.ts';", 'a default import'],
    ["import { a, type B } from './a.ts';", 'named imports'],
    ["import{a}from'./a.ts'", 'an import without spaces'],
    ["import * as a from './a.ts';", 'a namespace import'],
    ["import*as a from './a.ts'", 'a namespace import without spaces'],
    ["import a, { b } from './a.ts';", 'default and named imports together'],
    ["import { 'odd name' as a } from './a.ts';", 'a quoted name'],
    ["import { from } from './a.ts';", 'a name that reads like a keyword'],
    ["import type { A } from './a.ts';", 'an import of types'],
    ["import type A from './a.ts';", 'a default import of a type'],
    ["import './a.ts';", 'an import for its effects'],
    ['import a from "./a.ts";', 'double quotes'],
    ["import a from './a.ts' with { type: 'json' };", 'import attributes'],
    ["import {\n  a, // one\n  b, /* from './no.ts' */\n} from './a.ts';", 'several lines with comments'],
    ["export { a } from './a.ts';", 'a re-export'],
    ["export type { A } from './a.ts';", 'a re-export of types'],
    ["export * from './a.ts';", 'a re-export of everything'],
    ["export type * from './a.ts';", 'a re-export of all types'],
    ["export * as a from './a.ts';", 'a re-export under one name'],
    ["const a = await import('./a.ts');", 'a dynamic import'],
    [`const a = import(\n  ${tick}./a.ts${tick},\n);`, 'a dynamic import of a template without expressions'],
    ["let a: typeof import('./a.ts');", 'the type of a module'],
    ["let a: import('./a.ts').A;", 'a type taken from a module'],
    ["const a = require('./a.ts');", 'a require'],
    ["f(...require('./a.ts'));", 'a require behind a spread'],
    [
      "const a = () => { return /'/.test(b) }; import('./a.ts');",
      'an import behind a quote in an expression',
    ],
    [`const a = ${tick}${open}await import('./a.ts')}${tick};`, 'an import inside a template expression'],
    ["#!/usr/bin/env it's\nimport './a.ts';", 'an import below a line for the shell'],
  ])('finds %j: %s', (source) => {
    expect(specifiers(source)).toEqual(['./a.ts']);
  });

  test.each([
    ["// import './a.ts';", 'a line comment'],
    ["/* import './a.ts'; */", 'a block comment'],
    ["/** @type {import('./a.ts').A} */", 'a doc comment'],
    [`const a = "import './a.ts'";`, 'a string'],
    [`const a = ${tick}\nimport './a.ts';\n${tick};`, 'a template'],
    [`const a = ${tick}\\${tick} import './a.ts'; ${tick};`, 'a template with an escaped backtick'],
    ["const a = /import '.*'/;", 'a regular expression'],
    ["const a = 'it\\'s'; const b = ' from ';", 'an escaped quote'],
    ["const a = { import: 'b', from: './a.ts' };", 'properties with the names of keywords'],
    ["loader.import('./a.ts'); a.require('./a.ts');", 'methods with the names of keywords'],
    ['import.meta.url;', 'the meta object'],
    ["const a = Array.from('a');", 'a method named from'],
    ["export const a = 1;\nconst from = 'x';", 'an export of its own'],
    ['import(name); require(name);', 'computed specifiers'],
    ["require('./' + name); import('./a'.concat(name));", 'specifiers that only begin with a string'],
    [`import(${tick}./${open}name}.ts${tick});`, 'a computed template'],
  ])('finds nothing in %j: %s', (source) => {
    expect(specifiers(source)).toEqual([]);
  });

  test('tells the line where each import begins', () => {
    const source =
      "/* one\n two */\nimport a from './a.ts';\n\nimport {\n  b,\n} from './b.ts';\nexport * from './c.ts';\n";
    expect(scanImports(source)).toEqual([
      { line: 3, specifier: './a.ts' },
      { line: 5, specifier: './b.ts' },
      { line: 8, specifier: './c.ts' },
    ]);
  });

  test('does not run from one import into the next', () => {
    expect(specifiers("import './a.ts'\nimport b from './b.ts'\nimport './c.ts'")).toEqual([
      './a.ts',
      './b.ts',
      './c.ts',
    ]);
  });
});

describe('blanking what is not code', () => {
  test.each([
    ["a = 'b'; // c", "a = ' ';     "],
    ['a = b / c / d;', 'a = b / c / d;'],
    ['a = (b) / c; d = "/";', 'a = (b) / c; d = " ";'],
    ['if (a) /b/.test(c);', 'if (a) / /.test(c);'],
    ['a++ / b; c = "/";', 'a++ / b; c = " ";'],
    ['return /[/"]/g;', 'return /    /g;'],
    ['a = !/\\/"/.test(b);', 'a = !/   /.test(b);'],
    [
      `${tick}a${open}b${tick}c${open}{ d }}${tick}}e${tick}`,
      `${tick} ${open}b${tick} ${open}{ d }}${tick}} ${tick}`,
    ],
    ['a = "b\\\nc";', 'a = "  \n ";'],
    ["a = 'never closed\nb = 'c';", "a = '            \nb = ' ';"],
    ['a; /* never closed\n b', 'a;                \n  '],
  ])('turns %j into %j', (source, expected) => {
    expect(blankText(source)).toBe(expected);
  });
});

describe('recognising a barrel', () => {
  test.each([
    ["export * from './a.ts';"],
    ["// all of it\nexport { a } from './a.ts';\nexport type { B } from './b.ts';\n"],
    ["export * as a from './a.ts'\nexport * from './b.ts'"],
    ["import { a } from './a.ts';\nexport { a };"],
    ["import './effects.ts';\nexport * from './a.ts';"],
    ["export { default } from './a.json' with { type: 'json' };"],
  ])('calls %j one', (source) => {
    expect(isBarrel(source)).toBe(true);
  });

  test.each([
    ["export * from './a.ts';\nexport const a = 1;"],
    ['const a = 1;\nexport { a };'],
    ["import './a.ts';"],
    ["import { a } from './a.ts';\na();"],
    [''],
    ["// export * from './a.ts';"],
  ])('does not call %j one', (source) => {
    expect(isBarrel(source)).toBe(false);
  });
});
