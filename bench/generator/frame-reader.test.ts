import { describe, expect, test } from 'vitest';
import { FrameReader } from './frame-reader.ts';

/** A frame as servers send it, not masked. */
function frame(opcode: number, payload: Buffer, { fin = true } = {}): Buffer {
  const size = payload.length;
  const header = size < 126 ? Buffer.from([0, size]) : size < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  header[0] = (fin ? 0x80 : 0) | opcode;
  if (header.length === 4) {
    header[1] = 126;
    header.writeUInt16BE(size, 2);
  } else if (header.length === 10) {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([header, payload]);
}

function read(pieces: readonly Buffer[]): { messages: string[]; controls: [number, string][] } {
  const messages: string[] = [];
  const controls: [number, string][] = [];
  const reader = new FrameReader();
  for (const piece of pieces)
    reader.push(piece, {
      message: (bytes, offset, size) => messages.push(bytes.toString('latin1', offset, offset + size)),
      control: (opcode, payload) => controls.push([opcode, payload.toString('latin1')]),
    });
  return { messages, controls };
}

describe('the frame reader', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('finds a payload of %i bytes', (size) => {
    const payload = Buffer.alloc(size, 'x');
    expect(read([frame(2, payload)]).messages).toEqual([payload.toString()]);
  });

  test('finds the same in pieces of any size', () => {
    const sizes = [0, 3, 126, 300, 65_536, 5];
    const all = Buffer.concat(sizes.map((size, i) => frame(1 + (i % 2), Buffer.alloc(size, `${i}`))));
    const whole = read([all]).messages;
    for (const step of [1, 2, 3, 7, 100, 65_537]) {
      const pieces = Array.from({ length: Math.ceil(all.length / step) }, (_, i) =>
        all.subarray(i * step, (i + 1) * step),
      );
      expect(read(pieces).messages).toEqual(whole);
    }
    expect(whole.map((text) => text.length)).toEqual(sizes);
  });

  test('hands over control frames between messages', () => {
    const bytes = [
      frame(2, Buffer.from('a')),
      frame(9, Buffer.from('are you there')),
      frame(2, Buffer.from('b')),
    ];
    expect(read([Buffer.concat(bytes)])).toEqual({ messages: ['a', 'b'], controls: [[9, 'are you there']] });
  });

  test('hands over a compressed message as it is, to those who can read one', () => {
    const bytes = frame(0x40 | 1, Buffer.from('zip'));
    const read = (compressed?: (bytes: Buffer, offset: number, size: number) => void) =>
      new FrameReader().push(bytes, { message() {}, control() {}, compressed });
    let heard = '';
    read((whole, offset, size) => {
      heard = whole.toString('latin1', offset, offset + size);
    });
    expect(heard).toBe('zip');
    expect(() => read()).toThrow('no frame (0xc1)');
  });

  test('refuses a fragmented message, which would be counted wrongly', () => {
    expect(() => read([frame(2, Buffer.from('a'), { fin: false })])).toThrow('fragmented');
  });
});
