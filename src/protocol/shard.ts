/**
 * Which shard a channel belongs to. All nodes of a cluster must agree, so this never changes within a layout version.
 *
 * FNV-1a, 32 bits (draft-eastlake-fnv, section 5), over the UTF-8 of the channel, modulo the number of shards.
 */

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

const encoder = new TextEncoder();

/** @returns a whole number from 0 to `shards` − 1 */
export function shardOf(channel: string, shards: number): number {
  let hash = offsetBasis;
  for (let i = 0; i < channel.length; i += 1) {
    const unit = channel.charCodeAt(i);
    // Most names are ASCII, where the units are the bytes.
    if (unit > 0x7f) return hashBytes(encoder.encode(channel)) % shards;
    hash = Math.imul(hash ^ unit, prime);
  }
  return (hash >>> 0) % shards;
}

function hashBytes(bytes: Uint8Array): number {
  let hash = offsetBasis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return hash >>> 0;
}
