/**
 * Writes the MessagePack types that a client's messages are made of, without `Buffer`, so that it runs in browsers.
 *
 * Source: the MessagePack specification (github.com/msgpack/msgpack, spec.md).
 */
import { Extension } from './msgpack-reader.ts';

const initialBytes = 256;
const encoder = new TextEncoder();

export type Writable = null | number | string | Uint8Array | Extension | readonly Writable[];

export class MsgpackWriter {
  #bytes = new Uint8Array(initialBytes);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written, in a buffer of its own. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Numbers are whole, from 0 to 2^53 − 1; the type of an extension is from 0 to 127. */
  value(value: Writable): void {
    if (value === null) this.#header(0xc0);
    else if (typeof value === 'number') this.#unsigned(value);
    else if (typeof value === 'string') this.#text(value);
    else if (value instanceof Uint8Array) {
      this.#sized(0xc4, value.length);
      this.#append(value);
    } else if (value instanceof Extension) {
      this.#sized(0xc7, value.bytes.length);
      this.#number(value.type, 1);
      this.#append(value.bytes);
    } else {
      if (value.length < 16) this.#header(0x90 | value.length);
      else this.#header(0xdc, value.length, 2);
      for (const each of value) this.value(each);
    }
  }

  #unsigned(value: number): void {
    if (value < 0x80) this.#header(value);
    else if (value < 0x1_0000_0000) this.#header(0xce, value, 4);
    else {
      this.#header(0xcf, Math.floor(value / 0x1_0000_0000), 4);
      this.#number(value >>> 0, 4);
    }
  }

  #text(value: string): void {
    const bytes = encoder.encode(value);
    if (bytes.length < 32) this.#header(0xa0 | bytes.length);
    else this.#sized(0xd9, bytes.length);
    this.#append(bytes);
  }

  /** The header of what has 8, 16 or 32 bits of length: three type bytes in a row, from `type8` on. */
  #sized(type8: number, size: number): void {
    if (size < 0x100) this.#header(type8, size, 1);
    else if (size < 0x1_0000) this.#header(type8 + 1, size, 2);
    else this.#header(type8 + 2, size, 4);
  }

  #header(type: number, value = 0, valueBytes: 0 | 1 | 2 | 4 = 0): void {
    this.#number(type, 1);
    if (valueBytes !== 0) this.#number(value, valueBytes);
  }

  #number(value: number, size: 1 | 2 | 4): void {
    this.#reserve(size);
    if (size === 1) this.#view.setUint8(this.#length, value);
    else if (size === 2) this.#view.setUint16(this.#length, value);
    else this.#view.setUint32(this.#length, value);
    this.#length += size;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
