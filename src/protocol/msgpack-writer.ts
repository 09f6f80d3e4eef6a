/**
 * Writes the few MessagePack types that our frames are made of, into one buffer that grows and is used again.
 *
 * Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md). Every value is written in its shortest
 * form, except the headers that a frame fills in later, which have a fixed width.
 */

const initialBytes = 1_024;

export class MsgpackWriter {
  #bytes = Buffer.allocUnsafe(initialBytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written; keeps the buffer unless it is larger than `keepBytes`. */
  clear(keepBytes: number): void {
    this.#length = 0;
    if (this.#bytes.length > keepBytes) this.#bytes = Buffer.allocUnsafe(initialBytes);
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** What was written, in the writer's own buffer: the next `clear` and what is written then overwrites it. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  nil(): void {
    this.#reserve(1);
    this.#byte(0xc0);
  }

  boolean(value: boolean): void {
    this.#reserve(1);
    this.#byte(value ? 0xc3 : 0xc2);
  }

  array(length: number): void {
    this.#reserve(5);
    if (length < 16) this.#byte(0x90 | length);
    else if (length < 0x1_0000) {
      this.#byte(0xdc);
      this.#length = this.#bytes.writeUInt16BE(length, this.#length);
    } else {
      this.#byte(0xdd);
      this.#length = this.#bytes.writeUInt32BE(length, this.#length);
    }
  }

  /** Begins an array whose length is not known yet. Returns the position to give to `setArrayLength`. */
  openArray(): number {
    this.#reserve(5);
    const position = this.#length;
    this.#byte(0xdd);
    this.#length += 4;
    this.setArrayLength(position, 0);
    return position;
  }

  setArrayLength(position: number, length: number): void {
    this.#bytes.writeUInt32BE(length, position + 1);
  }

  /** A whole number from 0 to 2^53 − 1. */
  unsigned(value: number): void {
    this.#reserve(9);
    if (value < 0x80) this.#byte(value);
    else if (value < 0x100) {
      this.#byte(0xcc);
      this.#byte(value);
    } else if (value < 0x1_0000) {
      this.#byte(0xcd);
      this.#length = this.#bytes.writeUInt16BE(value, this.#length);
    } else if (value < 0x1_0000_0000) {
      this.#byte(0xce);
      this.#length = this.#bytes.writeUInt32BE(value, this.#length);
    } else {
      this.#byte(0xcf);
      this.#length = this.#bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), this.#length);
      this.#length = this.#bytes.writeUInt32BE(value >>> 0, this.#length);
    }
  }

  /** A float64. Returns the position to give to `setFloat`. */
  float(value: number): number {
    this.#reserve(9);
    const position = this.#length;
    this.#byte(0xcb);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
    return position;
  }

  setFloat(position: number, value: number): void {
    this.#bytes.writeDoubleBE(value, position + 1);
  }

  /** Returns how many bytes of UTF-8 it has. */
  text(value: string): number {
    const size = Buffer.byteLength(value);
    this.#reserve(5 + size);
    this.#textHeader(size);
    this.#length += this.#bytes.write(value, this.#length, size);
    return size;
  }

  /** Text that already is UTF-8, which is not checked. */
  utf8AsText(value: Uint8Array): void {
    this.#reserve(5 + value.byteLength);
    this.#textHeader(value.byteLength);
    this.#raw(value);
  }

  /** Returns how many bytes it has. */
  binary(value: Uint8Array): number {
    this.#reserve(5 + value.byteLength);
    this.#sized(0xc4, value.byteLength);
    this.#raw(value);
    return value.byteLength;
  }

  /** The UTF-8 of a string as binary. Returns how many bytes it has. */
  textAsBinary(value: string): number {
    const size = Buffer.byteLength(value);
    this.#reserve(5 + size);
    this.#sized(0xc4, size);
    this.#length += this.#bytes.write(value, this.#length, size);
    return size;
  }

  /**
   * An extension whose content is bytes, or the UTF-8 of a string.
   *
   * @param type 0 to 127
   */
  extension(type: number, content: string | Uint8Array): void {
    const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
    this.#reserve(6 + size);
    // Sizes of 1, 2, 4, 8 and 16 have types of their own, in a row.
    if (size > 0 && size <= 16 && (size & (size - 1)) === 0) this.#byte(0xd4 + Math.log2(size));
    else this.#sized(0xc7, size);
    this.#byte(type);
    if (typeof content === 'string') this.#length += this.#bytes.write(content, this.#length, size);
    else this.#raw(content);
  }

  #textHeader(size: number): void {
    if (size < 32) this.#byte(0xa0 | size);
    else this.#sized(0xd9, size);
  }

  #raw(value: Uint8Array): void {
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
  }

  /** The header of a str, bin or ext with 8, 16 or 32 bits of length: three type bytes in a row, from `type8` on. */
  #sized(type8: number, size: number): void {
    if (size < 0x100) {
      this.#byte(type8);
      this.#byte(size);
    } else if (size < 0x1_0000) {
      this.#byte(type8 + 1);
      this.#length = this.#bytes.writeUInt16BE(size, this.#length);
    } else {
      this.#byte(type8 + 2);
      this.#length = this.#bytes.writeUInt32BE(size, this.#length);
    }
  }

  #byte(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
