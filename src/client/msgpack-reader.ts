/**
 * Reads any MessagePack value, on a `Uint8Array`, so that it runs in browsers. (The server's own reader works on `Buffer`
 * and only takes what it expects.) Lengths are checked against the bytes that are there before anything is made of them.
 *
 * Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md).
 */
import { Unreadable } from './wire.ts';

/** Values within values; the deepest of our messages is five deep. */
const maxDepth = 16;
/** Up to here building a string by hand is faster than asking the decoder. */
const shortTextBytes = 24;

// Without `ignoreBOM` a byte order mark at the start would be swallowed.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** An application's own type. */
export class Extension {
  readonly type: number;
  readonly bytes: Uint8Array;

  constructor(type: number, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

export class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /**
   * The next value: array, string, `Uint8Array` (a copy), number, boolean, null or `Extension`. A map is read and
   * becomes undefined: no message has one.
   *
   * @throws Unreadable
   */
  value(depth = 0): unknown {
    if (depth > maxDepth) throw new Unreadable('values are nested too deeply');
    const type = this.#unsigned(1);
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#array(type & 0x0f, depth);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    // From here on the rest of what there is, in order.
    if (type === 0xc0) return null;
    if (type === 0xc1) throw new Unreadable('a type that does not exist');
    if (type <= 0xc3) return type === 0xc3;
    if (type <= 0xc6) return this.#take(this.#unsigned(1 << (type - 0xc4))).slice();
    if (type <= 0xc9) return this.#extension(this.#unsigned(1 << (type - 0xc7)));
    if (type === 0xca) return this.#view.getFloat32(this.#advance(4));
    if (type === 0xcb) return this.#view.getFloat64(this.#advance(8));
    if (type <= 0xce) return this.#unsigned(1 << (type - 0xcc));
    if (type === 0xcf) return Number(this.#view.getBigUint64(this.#advance(8)));
    if (type === 0xd0) return this.#view.getInt8(this.#advance(1));
    if (type === 0xd1) return this.#view.getInt16(this.#advance(2));
    if (type === 0xd2) return this.#view.getInt32(this.#advance(4));
    if (type === 0xd3) return Number(this.#view.getBigInt64(this.#advance(8)));
    if (type <= 0xd8) return this.#extension(1 << (type - 0xd4));
    if (type <= 0xdb) return this.#text(this.#unsigned(1 << (type - 0xd9)));
    if (type <= 0xdd) return this.#array(this.#unsigned(2 << (type - 0xdc)), depth);
    return this.#map(this.#unsigned(2 << (type - 0xde)), depth);
  }

  #array(length: number, depth: number): unknown[] {
    this.#expectAtLeast(length);
    const values: unknown[] = [];
    for (let index = 0; index < length; index += 1) values.push(this.value(depth + 1));
    return values;
  }

  #map(length: number, depth: number): undefined {
    this.#expectAtLeast(length * 2);
    for (let index = 0; index < length * 2; index += 1) this.value(depth + 1);
  }

  #extension(size: number): Extension {
    const type = this.#view.getInt8(this.#advance(1));
    return new Extension(type, this.#take(size));
  }

  #text(size: number): string {
    return textOf(this.#take(size));
  }

  #take(size: number): Uint8Array {
    const from = this.#advance(size);
    return this.#bytes.subarray(from, from + size);
  }

  #unsigned(size: number): number {
    const from = this.#advance(size);
    if (size === 1) return this.#view.getUint8(from);
    return size === 2 ? this.#view.getUint16(from) : this.#view.getUint32(from);
  }

  #expectAtLeast(bytes: number): void {
    if (bytes > this.#bytes.length - this.#position) throw new Unreadable('the bytes end too early');
  }

  /** Moves on by `count` bytes and returns where it stood. */
  #advance(count: number): number {
    this.#expectAtLeast(count);
    const from = this.#position;
    this.#position = from + count;
    return from;
  }
}

/** @throws Unreadable for what is not UTF-8 */
export function textOf(bytes: Uint8Array): string {
  if (bytes.length <= shortTextBytes) {
    let text = '';
    for (const byte of bytes) {
      if (byte >= 0x80) return decode(bytes);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decode(bytes);
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new Unreadable('UTF-8 was expected', { cause });
  }
}
