/**
 * Checks JSON text and finds the places of the values in it, without making them. It never recurses and takes time
 * proportional to the length of the text, whatever is in it.
 *
 * Source: RFC 8259. What JSON.parse takes, `pass` takes, and nothing else.
 */
import { Malformed } from './malformed.ts';

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const quote = 0x22;
const plus = 0x2b;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const bracketOpen = 0x5b;
const backslash = 0x5c;
const bracketClose = 0x5d;
const letterU = 0x75;
const braceOpen = 0x7b;
const braceClose = 0x7d;

/** Room for so many levels is kept; a text that is deeper gets more while it is read. */
const keepLevels = 1_024;

export class JsonScanner {
  #text = '';
  #position = 0;
  /** The closing brackets that are awaited, the innermost last. */
  #awaited = new Uint8Array(keepLevels);

  /** Starts to read a text, or reads it again from a place in it. */
  open(text: string, position = 0): void {
    this.#text = text;
    this.#position = position;
    if (this.#awaited.length > keepLevels) this.#awaited = new Uint8Array(keepLevels);
  }

  get position(): number {
    return this.#position;
  }

  get atEnd(): boolean {
    return this.#position === this.#text.length;
  }

  /** Moves behind white space. */
  passSpace(): void {
    const text = this.#text;
    let at = this.#position;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== space && code !== lineFeed && code !== carriageReturn && code !== tab) break;
      at += 1;
    }
    this.#position = at;
  }

  /**
   * Moves behind an object. Calls `member` at the value of each of its members, which must move behind that value.
   * Members may repeat a key.
   */
  object(member: (key: string) => void): void {
    this.#expect(braceOpen);
    this.passSpace();
    if (this.#take(braceClose)) return;
    do {
      this.passSpace();
      const start = this.#position;
      this.#passString();
      const key = this.#text.slice(start + 1, this.#position - 1);
      const unescaped = key.includes('\\') ? (JSON.parse(`"${key}"`) as string) : key;
      this.passSpace();
      this.#expect(colon);
      this.passSpace();
      member(unescaped);
      this.passSpace();
    } while (this.#take(comma));
    this.#expect(braceClose);
  }

  /** Moves behind an array. Calls `element` at each of its values, which must move behind that value. */
  array(element: () => void): void {
    this.#expect(bracketOpen);
    this.passSpace();
    if (this.#take(bracketClose)) return;
    do {
      this.passSpace();
      element();
      this.passSpace();
    } while (this.#take(comma));
    this.#expect(bracketClose);
  }

  /**
   * Moves from the first to behind the last character of a value.
   *
   * @returns how many levels of arrays and objects it has: 0 for a number, 1 for `[]`
   * @throws Malformed if that is more than `maxDepth`, too
   */
  pass(maxDepth: number): number {
    let depth = 0;
    let deepest = 0;
    for (;;) {
      // A value begins.
      const code = this.#text.charCodeAt(this.#position);
      if (code === bracketOpen || code === braceOpen) {
        if (depth === maxDepth) throw new Malformed('values are nested too deeply');
        this.#await(depth, code === braceOpen ? braceClose : bracketClose);
        depth += 1;
        if (depth > deepest) deepest = depth;
        this.#position += 1;
        this.passSpace();
        if (!this.#take(this.#awaited[depth - 1] as number)) {
          if (code === braceOpen) this.#passKey();
          continue;
        }
        depth -= 1;
      } else if (code === quote) this.#passString();
      else if (code === minus || isDigit(code)) this.#passNumber();
      else this.#passLiteral();

      // A value has ended, and with it perhaps those around it.
      for (;;) {
        if (depth === 0) return deepest;
        this.passSpace();
        const awaited = this.#awaited[depth - 1] as number;
        if (this.#take(comma)) {
          this.passSpace();
          if (awaited === braceClose) this.#passKey();
          break;
        }
        this.#expect(awaited);
        depth -= 1;
      }
    }
  }

  /** Moves from the key of a member to its value. */
  #passKey(): void {
    this.#passString();
    this.passSpace();
    this.#expect(colon);
    this.passSpace();
  }

  #passString(): void {
    const text = this.#text;
    if (text.charCodeAt(this.#position) !== quote) throw new Malformed('a string was expected');
    let at = this.#position + 1;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code === backslash) at += escapeLength(text, at);
      else if (code >= space) at += 1;
      // The end, which is not a number, or a control character.
      else throw new Malformed('a string does not end well');
    }
    this.#position = at + 1;
  }

  #passNumber(): void {
    const text = this.#text;
    let at = this.#position;
    if (text.charCodeAt(at) === minus) at += 1;
    at = text.charCodeAt(at) === zero ? at + 1 : behindDigits(text, at);
    if (text.charCodeAt(at) === point) at = behindDigits(text, at + 1);
    // Lower case differs in one bit.
    if ((text.charCodeAt(at) | 0x20) === 0x65) {
      at += 1;
      const sign = text.charCodeAt(at);
      at = behindDigits(text, sign === plus || sign === minus ? at + 1 : at);
    }
    this.#position = at;
  }

  #passLiteral(): void {
    for (const literal of ['true', 'false', 'null'])
      if (this.#text.startsWith(literal, this.#position)) {
        this.#position += literal.length;
        return;
      }
    throw new Malformed('a value was expected');
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#position) !== code) return false;
    this.#position += 1;
    return true;
  }

  #expect(code: number): void {
    if (!this.#take(code)) throw new Malformed('another character was expected');
  }

  #await(depth: number, closing: number): void {
    if (depth === this.#awaited.length) {
      const larger = new Uint8Array(depth * 2);
      larger.set(this.#awaited);
      this.#awaited = larger;
    }
    this.#awaited[depth] = closing;
  }
}

function isDigit(code: number): boolean {
  return code >= zero && code <= nine;
}

/** Where one digit or more end. */
function behindDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at += 1;
  if (at === start) throw new Malformed('a digit was expected');
  return at;
}

/** Characters of the escape that begins with the backslash at a place. */
function escapeLength(text: string, at: number): number {
  const code = text.charCodeAt(at + 1);
  if (code !== letterU) {
    // The end is an empty string, which is in every other.
    if (Number.isNaN(code) || !'"\\/bfnrt'.includes(text.charAt(at + 1)))
      throw new Malformed('an escape that does not exist');
    return 2;
  }
  for (let digit = at + 2; digit < at + 6; digit += 1) {
    const hex = text.charCodeAt(digit) | 0x20;
    if (!isDigit(text.charCodeAt(digit)) && !(hex >= 0x61 && hex <= 0x66))
      throw new Malformed('an escape that does not end');
  }
  return 6;
}
