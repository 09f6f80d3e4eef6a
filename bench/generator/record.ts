/**
 * What a benchmark publishes: a number, the time at which it *should* have been sent, and enough redundancy to see damage.
 *
 *     offset  0  uint32   sequence, from 0
 *             4  float64  intended send time, monotonic milliseconds
 *            12  uint32   hash of the twelve bytes before
 *            16  …        filler that follows from the sequence
 *
 * The intended time, not the real one: a generator that falls behind must not make the server look faster (Gil Tene,
 * "How NOT to Measure Latency", on coordinated omission).
 */

export const headerBytes = 16;

/** Writes a record of `bytes.length` bytes. */
export function writeRecord(bytes: Buffer, sequence: number, intendedAt: number): void {
  bytes.writeUInt32LE(sequence, 0);
  bytes.writeDoubleLE(intendedAt, 4);
  bytes.writeUInt32LE(hashOf(bytes, 0), 12);
  bytes.fill(fillerOf(sequence), headerBytes);
}

/** The sequence of the record at `offset`, or −1 if its header is damaged. */
export function readSequence(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 12) === hashOf(bytes, offset) ? bytes.readUInt32LE(offset) : -1;
}

export function readIntendedAt(bytes: Buffer, offset: number): number {
  return bytes.readDoubleLE(offset + 4);
}

/** True if everything behind the header is as it was written. Looks at each byte. */
export function isFillerIntact(bytes: Buffer, offset: number, size: number, sequence: number): boolean {
  const filler = fillerOf(sequence);
  for (let i = offset + headerBytes; i < offset + size; i += 1) if (bytes[i] !== filler) return false;
  return true;
}

function fillerOf(sequence: number): number {
  return (sequence * 31 + 7) & 0xff;
}

/** FNV-1a over the header's first twelve bytes, as three words. */
function hashOf(bytes: Buffer, offset: number): number {
  let hash = 0x811c9dc5;
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset), 0x01000193);
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset + 4), 0x01000193);
  hash = Math.imul(hash ^ bytes.readUInt32LE(offset + 8), 0x01000193);
  return hash >>> 0;
}
