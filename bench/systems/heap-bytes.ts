/**
 * What something takes in the heap of this process, payloads included.
 */

/** What one of so many copies takes. */
export function heapBytesOf(copies: number, make: () => unknown): number {
  make();
  Bun.gc(true);
  const before = usedBytes();
  const kept = Array.from({ length: copies }, make);
  Bun.gc(true);
  const bytes = (usedBytes() - before) / kept.length;
  kept.length = 0;
  return bytes;
}

/** Payloads stand outside of the heap. */
function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
