import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shardOf } from './shard.ts';

/** So many shards that the shard is the hash itself. */
const all = 2 ** 32;

/** The definition, word for word, without any short cut. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffff_ffffn;
  return Number(hash);
}

describe('the hash of a channel', () => {
  // The test vectors of draft-eastlake-fnv, appendix C.
  test.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('of %j is that of the published vectors', (channel, hash) => {
    expect(shardOf(channel, all)).toBe(hash);
  });

  test.each(['Küche', 'é', 'aé', 'كوكب', '🙂', 'left 🙂 right', '\u007f\u0080', '\uffff', '\ufeffa'])(
    'of %j is that of its UTF-8',
    (channel) => {
      expect(shardOf(channel, all)).toBe(fnv1a(Buffer.from(channel, 'utf8')));
    },
  );

  test('of any text is that of its UTF-8, where a lone surrogate is U+FFFD', () => {
    const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(anyText, (text) => {
        expect(shardOf(text, all)).toBe(fnv1a(Buffer.from(text, 'utf8')));
      }),
    );
    expect(shardOf('a\ud800', all)).toBe(shardOf('a\ufffd', all));
  });
});

describe('the shard of a channel', () => {
  test('is the hash modulo the number of shards, and one of them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 4_096 }), (channel, shards) => {
        const shard = shardOf(channel, shards);
        expect(shard).toBe(shardOf(channel, all) % shards);
        expect(shard).toBeGreaterThanOrEqual(0);
        expect(shard).toBeLessThan(shards);
      }),
    );
  });

  test('never changes: nodes of different versions must agree', () => {
    expect(['livechat', 'left', 'right', 'Küche', '🙂'].map((channel) => shardOf(channel, 64))).toEqual([
      49, 48, 37, 1, 11,
    ]);
  });

  test('is spread evenly over 64', () => {
    const perShard = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i += 1) {
      const shard = shardOf(`match-${i}`, 64);
      perShard[shard] = (perShard[shard] ?? 0) + 1;
    }
    expect(Math.min(...perShard)).toBeGreaterThan(850);
    expect(Math.max(...perShard)).toBeLessThan(1_150);
  });
});
