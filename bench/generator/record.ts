/**
 * What a benchmark publishes: a number, the time at which it *should* have been sent, and enough redundancy to see damage.
 *
 *     offset  0  uint32   sequence within its channel and run, from 0
 *             4  float64  intended send time, monotonic milliseconds
 *            12  uint24   channel, so that a program without a protocol knows where it belongs
 *            15  uint8    run: a warm-up is told apart from what follows it
 *            16  uint32   hash of the sixteen bytes before
 *            20  …        filler that follows from the sequence
 *
 * Systems that carry text get the same as text of the same size, without a character that JSON escapes: two letters from A
 * to P for each byte of the header, then a small letter as filler. So 100 bytes are 100 bytes for everybody.
 *
 * Filler of one letter compresses to nothing. Where that matters, it is what a feed of prices carries: names that come back
 * and digits that do not.
 *
 * The intended time, not the real one: a generator that falls behind must not make the server look faster (Gil Tene,
 * "How NOT to Measure Latency", on coordinated omission).
 */

export interface RecordHeader {
  sequence: number;
  /** Monotonic milliseconds. */
  intendedAt: number;
  channel: number;
  run: number;
}

export interface RecordForm {
  /** The smallest record. */
  readonly headerBytes: number;
  /** Writes a record that fills `bytes`. */
  write(bytes: Buffer, header: RecordHeader): void;
  /** Reads the header at `offset` into `header`; false if it is damaged. */
  read(bytes: Buffer, offset: number, header: RecordHeader): boolean;
  /** True if everything behind the header is as it was written. Looks at each byte. */
  isFillerIntact(bytes: Buffer, offset: number, size: number, sequence: number): boolean;
}

const binaryHeaderBytes = 20;
const textHeaderBytes = 2 * binaryHeaderBytes;
const letterA = 0x41;
const smallLetterA = 0x61;

export const binaryRecords: RecordForm = {
  headerBytes: binaryHeaderBytes,
  write(bytes, { sequence, intendedAt, channel, run }) {
    bytes.writeUInt32LE(sequence, 0);
    bytes.writeDoubleLE(intendedAt, 4);
    bytes.writeUIntLE(channel, 12, 3);
    bytes[15] = run;
    bytes.writeUInt32LE(hashOf(bytes, 0), 16);
    bytes.fill(binaryFiller(sequence), binaryHeaderBytes);
  },
  read(bytes, offset, header) {
    if (bytes.readUInt32LE(offset + 16) !== hashOf(bytes, offset)) return false;
    header.sequence = bytes.readUInt32LE(offset);
    header.intendedAt = bytes.readDoubleLE(offset + 4);
    header.channel = bytes.readUInt32LE(offset + 12) & 0xffffff;
    header.run = bytes[offset + 15] as number;
    return true;
  },
  isFillerIntact: (bytes, offset, size, sequence) =>
    isFilledWith(binaryFiller(sequence), bytes, offset + binaryHeaderBytes, offset + size),
};

/** A header on its way between letters and bytes. */
const scratch = Buffer.alloc(binaryHeaderBytes);

export const textRecords: RecordForm = {
  headerBytes: textHeaderBytes,
  write(bytes, header) {
    binaryRecords.write(scratch, header);
    for (let i = 0; i < binaryHeaderBytes; i += 1) {
      const byte = scratch[i] as number;
      bytes[2 * i] = letterA + (byte >> 4);
      bytes[2 * i + 1] = letterA + (byte & 0x0f);
    }
    bytes.fill(textFiller(header.sequence), textHeaderBytes);
  },
  read(bytes, offset, header) {
    for (let i = 0; i < binaryHeaderBytes; i += 1) {
      const high = (bytes[offset + 2 * i] as number) - letterA;
      const low = (bytes[offset + 2 * i + 1] as number) - letterA;
      if ((high | low) & ~0x0f) return false;
      scratch[i] = (high << 4) | low;
    }
    return binaryRecords.read(scratch, 0, header);
  },
  isFillerIntact: (bytes, offset, size, sequence) =>
    isFilledWith(textFiller(sequence), bytes, offset + textHeaderBytes, offset + size),
};

/** Text that compresses as a feed of prices does. */
export const quoteRecords: RecordForm = {
  ...textRecords,
  write(bytes, header) {
    textRecords.write(bytes, header);
    quotes(header.sequence, bytes.length - textHeaderBytes).copy(bytes, textHeaderBytes);
  },
  isFillerIntact(bytes, offset, size, sequence) {
    const from = offset + textHeaderBytes;
    return (
      bytes.compare(
        quotes(sequence, size - textHeaderBytes),
        0,
        size - textHeaderBytes,
        from,
        offset + size,
      ) === 0
    );
  },
};

/** Subscribers are at most a few records apart, and each needs the same filler. */
const keptQuotes = 64;
const kept: ({ sequence: number; text: Buffer } | undefined)[] = [];

/** As many bytes of quotes as that; which ones follows from the sequence. */
function quotes(sequence: number, size: number): Buffer {
  const before = kept[sequence % keptQuotes];
  if (before?.sequence === sequence && before.text.length === size) return before.text;
  let random = sequence + 1;
  const digits = (count: number) => {
    // Numerical Recipes' generator; its high bits are the good ones.
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return String(Math.floor((random / 2 ** 32) * 10 ** count)).padStart(count, '0');
  };
  let text = '';
  while (text.length < size)
    text += `{symbol:EUR${digits(2)},bid:1.${digits(5)},ask:1.${digits(5)},size:${digits(4)},venue:X},`;
  const made = { sequence, text: Buffer.from(text.slice(0, size), 'latin1') };
  kept[sequence % keptQuotes] = made;
  return made.text;
}

function binaryFiller(sequence: number): number {
  return (sequence * 31 + 7) & 0xff;
}

function textFiller(sequence: number): number {
  return smallLetterA + (sequence % 26);
}

function isFilledWith(filler: number, bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i += 1) if (bytes[i] !== filler) return false;
  return true;
}

/** FNV-1a over what stands before the hash, as four words. */
function hashOf(bytes: Buffer, offset: number): number {
  let hash = 0x811c9dc5;
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset), 0x01000193);
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset + 4), 0x01000193);
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset + 8), 0x01000193);
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset + 12), 0x01000193);
  return hash >>> 0;
}
