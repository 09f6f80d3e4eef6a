/**
 * Finds what a TypeScript file imports, without a TypeScript parser: version 7 of the compiler has no JavaScript API, and
 * the import scan of Bun leaves out imports of types, which count here.
 *
 * Two steps. `blankText` replaces whatever is not code (comments, the insides of strings, the text of template literals,
 * regular expressions) with spaces, so that offsets and lines stay true. On what is left plain patterns are safe: a
 * `from '…'` found there is one. The specifier itself is then read from the original at the same offsets.
 *
 * Not followed: a specifier that is computed (`import(name)`), and files named to `new URL` or `new Worker`.
 */

/** One import, re-export, dynamic import or `require` of a file. */
export interface Import {
  /** Line of its `import`, `export` or `require`, counted from 1. */
  line: number;
  /** As written, without the quotes. */
  specifier: string;
}

/** Words after which a slash begins a regular expression; after any other word it divides. */
const wordsBeforeAnExpression = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
);

/** A parenthesis after one of these is a condition: a slash behind its end begins a regular expression. */
const wordsBeforeACondition = new Set(['if', 'while', 'for', 'with']);

/** Not inside a longer name and not a property, but still after a spread. */
const wordStart = String.raw`(?<![\w$#]|(?<!\.\.)\.)`;

const importPatterns = [
  // import 'x'
  String.raw`${wordStart}import\s*(?=['"])`,
  // import a, { b } from 'x'; import type * as c from 'x'. The name after `import` keeps `{ import: … }` out.
  String.raw`${wordStart}import(?=[\s{*])\s*[^\s:;()=.'"][^;()=]*?(?<![\w$])from\s*(?=['"])`,
  // export * from 'x'; export type { a as b } from 'x'
  String.raw`${wordStart}export\s*(?:type\s*)?(?:\*(?:\s*as\s[^;{}()]+?)?|\{[^}]*\})\s*from\s*(?=['"])`,
  // import('x'), typeof import('x'), require('x')
  String.raw`${wordStart}(?:import|require)\s*\(\s*(?=['"\x60])`,
].map((pattern) => new RegExp(pattern, 'g'));

/** Returns every import of `source` in order of appearance. */
export function scanImports(source: string): Import[] {
  const code = blankText(source);
  return importPatterns
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .sort((a, b) => a.index - b.index)
    .flatMap((match) => {
      const start = match.index + match[0].length;
      const end = code.indexOf(code.charAt(start), start + 1);
      const computed = code.slice(start + 1, end).includes('$') || /^\s*[+.]/.test(code.slice(end + 1));
      if (computed) return [];
      return [{ line: lineAt(source, match.index), specifier: source.slice(start + 1, end) }];
    });
}

/** Tells whether a file exports something and does nothing but hand on what other files export. */
export function isBarrel(source: string): boolean {
  const code = blankText(source);
  const specifier = String.raw`\s*(?:'\s*'|"\s*")(?:\s*with\s*\{[^}]*\})?`;
  const imports = new RegExp(String.raw`\bimport\b(?:[^;()=]*?\bfrom)?${specifier}`, 'g');
  const exports = new RegExp(
    String.raw`\bexport\s*(?:type\s*)?(?:\*[^;{}()]*?\bfrom${specifier}|\{[^}]*\}(?:\s*from${specifier})?)`,
    'g',
  );
  const rest = code.replace(exports, '');
  return rest !== code && rest.replace(imports, '').replace(/[\s;]/g, '') === '';
}

/** Returns the line, counted from 1, of an offset in `source`. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length;
}

/**
 * Returns `source` at the same length and with the same line ends, but with spaces for everything that is not code. The
 * delimiters of strings, templates and regular expressions stay, and so does the code inside `${…}`.
 */
export function blankText(source: string): string {
  let blanked = '';
  let offset = 0;
  let previous = ''; // the last word or character of code, to tell a regular expression from a division
  let braces = 0;
  const templates: number[] = []; // for each open `${`, how many braces were open around it
  const parentheses: boolean[] = []; // for each open one, whether it holds a condition
  let closedCondition = false;

  const keep = (end: number) => {
    blanked += source.slice(offset, end);
    offset = end;
  };
  const blank = (end: number) => {
    blanked += source.slice(offset, end).replace(/[^\r\n]/g, ' ');
    offset = end;
  };
  const blankInside = (end: number) => {
    const closed = source.charAt(end - 1) === source.charAt(offset);
    keep(offset + 1);
    blank(closed ? end - 1 : end);
    keep(end);
  };
  const templateText = () => {
    keep(offset + 1); // the opening backtick, or the brace that ends an expression
    const end = endOfTemplateText(source, offset);
    blank(end);
    if (source.startsWith('${', offset)) {
      templates.push(braces);
      keep(offset + 2);
      previous = '{';
    } else {
      keep(offset + 1);
      previous = '`';
    }
  };

  if (source.startsWith('#!')) blank(endOfLine(source, 0));
  while (offset < source.length) {
    const char = source.charAt(offset);
    if (source.startsWith('//', offset)) {
      blank(endOfLine(source, offset));
    } else if (source.startsWith('/*', offset)) {
      const end = source.indexOf('*/', offset + 2);
      blank(end < 0 ? source.length : end + 2);
    } else if (char === "'" || char === '"') {
      blankInside(endOfString(source, offset));
      previous = char;
    } else if (char === '`') {
      templateText();
    } else if (char === '}' && templates.at(-1) === braces) {
      templates.pop();
      templateText();
    } else if (char === '/' && expressionMayStart(previous, closedCondition)) {
      const end = endOfRegularExpression(source, offset);
      if (end === undefined) keep(offset + 1);
      else blankInside(end);
      previous = '/value';
    } else if (/\s/.test(char)) {
      keep(offset + 1);
    } else {
      const token = /[\w$]+|\+\+|--|./sy;
      token.lastIndex = offset;
      const text = token.exec(source)?.[0] ?? char;
      if (text === '(') parentheses.push(wordsBeforeACondition.has(previous));
      if (text === ')') closedCondition = parentheses.pop() ?? false;
      if (text === '{') braces++;
      if (text === '}') braces--;
      keep(offset + text.length);
      previous = text;
    }
  }
  return blanked;
}

/** Tells whether an expression, and not a division, may follow `previous`. */
function expressionMayStart(previous: string, closedCondition: boolean): boolean {
  if (/^[\w$]/.test(previous)) return wordsBeforeAnExpression.has(previous);
  if (previous === ')') return closedCondition;
  return !['++', '--', ']', "'", '"', '`', '/value'].includes(previous);
}

function endOfLine(source: string, offset: number): number {
  const end = source.indexOf('\n', offset);
  return end < 0 ? source.length : end;
}

/** A string that never ends stops at its line, so that a mistake here costs one line and not the file. */
function endOfString(source: string, offset: number): number {
  const quote = source.charAt(offset);
  let end = offset + 1;
  while (end < source.length && source.charAt(end) !== quote) {
    if (source.charAt(end) === '\n') return end;
    end += source.charAt(end) === '\\' ? 2 : 1;
  }
  return Math.min(end + 1, source.length);
}

function endOfTemplateText(source: string, offset: number): number {
  let end = offset;
  while (end < source.length && source.charAt(end) !== '`' && !source.startsWith('${', end)) {
    end += source.charAt(end) === '\\' ? 2 : 1;
  }
  return Math.min(end, source.length);
}

/** Returns undefined when the line ends first: then the slash was a division after all. */
function endOfRegularExpression(source: string, offset: number): number | undefined {
  let inClass = false;
  for (let end = offset + 1; end < source.length; end++) {
    const char = source.charAt(end);
    if (char === '\n') return undefined;
    if (char === '\\') end++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return end + 1;
  }
  return undefined;
}
