/**
 * Damage to bytes, the same for the same seed, for tests in which a decoder must survive whatever it is given.
 */

/** Type bytes and lengths of MessagePack, and characters of JSON, on which much depends. */
const telling = [
  ...[0x00, 0x7f, 0x80, 0x90, 0x93, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xcb, 0xcf],
  ...[0xd3, 0xd4, 0xd8, 0xdb, 0xdd, 0xdf, 0xff],
  ...Buffer.from('"\\{}[]:,-.0eu \n'),
];

/** Mulberry32: the same numbers for the same seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A copy with one to four bytes changed, inserted or taken out, or with its end cut off. */
export function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let mutated = bytes;
  for (let left = 1 + random(4); left > 0; left -= 1) mutated = mutateOnce(mutated, random);
  return mutated;
}

function mutateOnce(bytes: Buffer, random: (below: number) => number): Buffer {
  const at = random(Math.max(1, bytes.length));
  const value = random(2) === 0 ? random(256) : (telling[random(telling.length)] as number);
  switch (random(5)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([value]), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(4))]);
    default: {
      const copy = Buffer.from(bytes);
      copy[at] = value;
      return copy;
    }
  }
}
