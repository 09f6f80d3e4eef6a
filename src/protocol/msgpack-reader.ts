/**
 * Reads MessagePack that nobody vouches for. It never allocates by a length that it read, never recurses, and never
 * interprets: the caller asks for the type that must come next, everything else is `Malformed`.
 *
 * Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md).
 */
import { Malformed } from './malformed.ts';

/** Values within values that `skip` follows; our own frames are three deep. */
const maxDepth = 8;

const twoTo32 = 0x1_0000_0000;

/** What comes next, as far as somebody asks; `other` is a boolean, a map, or nothing that there is. */
export type MsgpackType = 'nil' | 'number' | 'text' | 'binary' | 'array' | 'extension' | 'other';

export class MsgpackReader {
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;

  /** Starts to read other bytes, which are not copied. */
  open(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#position = 0;
  }

  get position(): number {
    return this.#position;
  }

  /** Goes back to where it has been. */
  seek(position: number): void {
    this.#position = position;
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** The type of the value that comes next, for callers who can go on with another than the one they want. */
  get next(): MsgpackType {
    const type = this.#bytes[this.#position] ?? 0xc1;
    if (type < 0x80 || type >= 0xe0 || (type >= 0xca && type <= 0xd3)) return 'number';
    if ((type & 0xf0) === 0x90 || type === 0xdc || type === 0xdd) return 'array';
    if ((type & 0xe0) === 0xa0 || (type >= 0xd9 && type <= 0xdb)) return 'text';
    if (type >= 0xc4 && type <= 0xc6) return 'binary';
    if ((type >= 0xc7 && type <= 0xc9) || (type >= 0xd4 && type <= 0xd8)) return 'extension';
    return type === 0xc0 ? 'nil' : 'other';
  }

  /** The number of elements that follow; never more than there are bytes left. */
  array(): number {
    const type = this.#byte();
    const length =
      (type & 0xf0) === 0x90
        ? type & 0x0f
        : type === 0xdc
          ? this.#unsigned16()
          : type === 0xdd
            ? this.#unsigned32()
            : -1;
    if (length < 0) throw new Malformed('an array was expected');
    if (length > this.#bytes.length - this.#position)
      throw new Malformed('an array is longer than its bytes');
    return length;
  }

  /** A whole number from 0 to 2^53 − 1. */
  unsigned(): number {
    const type = this.#byte();
    if (type < 0x80) return type;
    if (type === 0xcc) return this.#byte();
    if (type === 0xcd) return this.#unsigned16();
    if (type === 0xce) return this.#unsigned32();
    if (type !== 0xcf) throw new Malformed('a whole number was expected');
    const value = this.#unsigned32() * twoTo32 + this.#unsigned32();
    if (value > Number.MAX_SAFE_INTEGER) throw new Malformed('a number is too large');
    return value;
  }

  /** A number of any type. A 64-bit one beyond 2^53 is rounded to one that is no safe integer either. */
  number(): number {
    const type = this.#byte();
    if (type < 0x80) return type;
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xca:
        return this.#bytes.readFloatBE(this.#advance(4));
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#advance(8));
      case 0xcc:
        return this.#byte();
      case 0xcd:
        return this.#unsigned16();
      case 0xce:
        return this.#unsigned32();
      case 0xcf:
        return this.#unsigned32() * twoTo32 + this.#unsigned32();
      case 0xd0:
        return this.#bytes.readInt8(this.#advance(1));
      case 0xd1:
        return this.#bytes.readInt16BE(this.#advance(2));
      case 0xd2:
        return this.#bytes.readInt32BE(this.#advance(4));
      case 0xd3:
        return this.#bytes.readInt32BE(this.#advance(4)) * twoTo32 + this.#unsigned32();
      default:
        throw new Malformed('a number was expected');
    }
  }

  /** A finite float64. */
  float(): number {
    if (this.#byte() !== 0xcb) throw new Malformed('a float64 was expected');
    const value = this.#bytes.readDoubleBE(this.#advance(8));
    if (!Number.isFinite(value)) throw new Malformed('a number is not finite');
    return value;
  }

  /** Text of at most `maxBytes`. */
  text(maxBytes: number): string {
    const size = this.textSize(maxBytes);
    return this.#bytes.toString('utf8', this.#position - size, this.#position);
  }

  /** Moves behind text of at most `maxBytes` and returns its size: it ends at `position`. */
  textSize(maxBytes: number): number {
    const type = this.#byte();
    const size = (type & 0xe0) === 0xa0 ? type & 0x1f : this.#size(type, 0xd9);
    return this.#pass(size, maxBytes);
  }

  /** Moves behind binary of at most `maxBytes` and returns its size: it ends at `position`. */
  binarySize(maxBytes: number): number {
    return this.#pass(this.#size(this.#byte(), 0xc4), maxBytes);
  }

  /**
   * Moves behind an extension and returns the size of its content, which ends at `position`; −1 if it is of another
   * type than the one that is wanted.
   *
   * @param wanted 0 to 127
   */
  extensionSize(wanted: number): number {
    const type = this.#byte();
    let size: number;
    if (type >= 0xd4 && type <= 0xd8) size = 1 << (type - 0xd4);
    else if (type === 0xc7) size = this.#byte();
    else if (type === 0xc8) size = this.#unsigned16();
    else if (type === 0xc9) size = this.#unsigned32();
    else throw new Malformed('an extension was expected');
    const extensionType = this.#byte();
    this.#advance(size);
    return extensionType === wanted ? size : -1;
  }

  /** Moves behind one value of any type. */
  skip(): void {
    const outer = this.#skipOne();
    if (outer > 0) this.#skipMany(outer);
  }

  /** Moves behind so many values and what is in them. */
  #skipMany(count: number): void {
    if (count > this.#bytes.length - this.#position) throw new Malformed('a value is longer than its bytes');
    // How many values are still to be passed at each depth; the first is the value that they are in.
    const left = [0, count];
    while (left.length > 0) {
      const depth = left.length - 1;
      const here = left[depth] ?? 0;
      if (here === 0) {
        left.pop();
        continue;
      }
      left[depth] = here - 1;
      const inner = this.#skipOne();
      if (inner === 0) continue;
      if (inner > this.#bytes.length - this.#position)
        throw new Malformed('a value is longer than its bytes');
      if (left.length >= maxDepth) throw new Malformed('values are nested too deeply');
      left.push(inner);
    }
  }

  /** Moves behind one value without what is in it; returns how many values are in it. */
  #skipOne(): number {
    const type = this.#byte();
    if (type < 0x80 || type >= 0xe0) return 0;
    if (type < 0x90) return (type & 0x0f) * 2;
    if (type < 0xa0) return type & 0x0f;
    if (type < 0xc0) return this.#skipBytes(type & 0x1f);
    switch (type) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return 0;
      case 0xc4:
      case 0xd9:
        return this.#skipBytes(this.#byte());
      case 0xc5:
      case 0xda:
        return this.#skipBytes(this.#unsigned16());
      case 0xc6:
      case 0xdb:
        return this.#skipBytes(this.#unsigned32());
      case 0xc7:
        return this.#skipBytes(this.#byte() + 1);
      case 0xc8:
        return this.#skipBytes(this.#unsigned16() + 1);
      case 0xc9:
        return this.#skipBytes(this.#unsigned32() + 1);
      case 0xcc:
      case 0xd0:
        return this.#skipBytes(1);
      case 0xcd:
      case 0xd1:
      case 0xd4:
        return this.#skipBytes(2);
      case 0xd5:
        return this.#skipBytes(3);
      case 0xca:
      case 0xce:
      case 0xd2:
        return this.#skipBytes(4);
      case 0xd6:
        return this.#skipBytes(5);
      case 0xcb:
      case 0xcf:
      case 0xd3:
        return this.#skipBytes(8);
      case 0xd7:
        return this.#skipBytes(9);
      case 0xd8:
        return this.#skipBytes(17);
      case 0xdc:
        return this.#unsigned16();
      case 0xdd:
        return this.#unsigned32();
      case 0xde:
        return this.#unsigned16() * 2;
      case 0xdf:
        return this.#unsigned32() * 2;
      default:
        throw new Malformed('a type that does not exist');
    }
  }

  #skipBytes(count: number): 0 {
    this.#advance(count);
    return 0;
  }

  /** The size behind a str or bin header with 8, 16 or 32 bits of length, whose types are in a row from `type8` on. */
  #size(type: number, type8: number): number {
    if (type === type8) return this.#byte();
    if (type === type8 + 1) return this.#unsigned16();
    if (type === type8 + 2) return this.#unsigned32();
    throw new Malformed(type8 === 0xc4 ? 'binary was expected' : 'text was expected');
  }

  #pass(size: number, maxBytes: number): number {
    if (size > maxBytes) throw new Malformed('a value is too large');
    this.#advance(size);
    return size;
  }

  #byte(): number {
    return this.#bytes[this.#advance(1)] as number;
  }

  #unsigned16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  #unsigned32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  /** Moves on by `count` bytes and returns where it stood. */
  #advance(count: number): number {
    const from = this.#position;
    if (count > this.#bytes.length - from) throw new Malformed('the bytes end too early');
    this.#position = from + count;
    return from;
  }
}
