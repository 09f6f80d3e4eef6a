import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { type Beat, beatVersion, nodeStates, readBeat, writeBeat } from './beat.ts';

const example: Beat = {
  bootId: 'boot',
  nodeId: 'node',
  runId: 'run',
  sentAt: 0,
  sequences: new Map([
    [3, 1],
    [200, 65_536],
  ]),
  counts: { connections: 5, channels: 6, subscriptions: 300, state: 'stopping', viewers: 2 },
};

/** Elements as msgpackr packs them; the time must not be whole, or it becomes an integer. */
const elements = [beatVersion, 'boot', 'node', 'run', 1.5, [3, 1, 200, 65_536], [5, 6, 300, 2, 2]] as const;

describe('a beat', () => {
  test('has these bytes', () => {
    expect(writeBeat(example).toString('hex')).toBe(
      '97' +
        '01' +
        'a4626f6f74' +
        'a46e6f6465' +
        'a372756e' +
        'cb0000000000000000' +
        '94' +
        '0301' +
        'ccc8ce00010000' +
        '950506cd012c0202',
    );
  });

  test('is MessagePack of the documented structure', () => {
    expect(unpack(writeBeat({ ...example, sentAt: 1.5 }))).toEqual(elements);
  });

  test('of msgpackr is read like our own', () => {
    expect(readBeat(pack(elements))).toEqual({ ...example, sentAt: 1.5 });
  });

  test('is read as it was written', () => {
    const id = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .filter((text) => Buffer.byteLength(text) <= 256);
    const beat = fc.record({
      bootId: id.filter((text) => text !== ''),
      nodeId: id,
      runId: id,
      sentAt: fc.double({ noNaN: true, noDefaultInfinity: true }),
      sequences: fc
        .array(fc.tuple(fc.nat(4_095), fc.oneof(fc.nat(300), fc.maxSafeNat())))
        .map((entries) => new Map(entries)),
      counts: fc.option(
        fc
          .record({
            connections: fc.nat(),
            channels: fc.maxSafeNat(),
            subscriptions: fc.maxSafeNat(),
            state: fc.constantFrom(null, ...nodeStates),
            viewers: fc.nat(),
          })
          // They stand behind it.
          .map((counts) => (counts.state === null ? { ...counts, viewers: 0 } : counts)),
      ),
    });
    fc.assert(
      fc.property(beat, (written) => {
        expect(readBeat(writeBeat(written))).toEqual(written);
      }),
    );
  });

  test('may hold no sequence, or one for each of 4,096 shards', () => {
    for (const shards of [0, 1, 4_096]) {
      const sequences = new Map(Array.from({ length: shards }, (_, shard) => [shard, shard + 1]));
      expect(readBeat(writeBeat({ ...example, sequences }))).toEqual({ ...example, sequences });
    }
  });

  test('may not tell its state, or one that is not known here', () => {
    for (const counts of [
      [5, 6, 300],
      [5, 6, 300, 99],
    ])
      expect(readBeat(pack([...elements.slice(0, 6), counts]))?.counts).toEqual({
        ...example.counts,
        state: null,
        viewers: 0,
      });
  });

  test('may have grown', () => {
    expect(readBeat(pack([...elements, 'more', { a: [1] }]))).toEqual({ ...example, sentAt: 1.5 });
  });
});

describe('no beat', () => {
  test.each<[string, unknown]>([
    ['another version', [2, ...elements.slice(1)]],
    ['version 0', [0, ...elements.slice(1)]],
    ['an empty boot id', [1, '', ...elements.slice(2)]],
    ['a boot id that is no text', [1, 5, ...elements.slice(2)]],
    ['a boot id of 257 bytes', [1, 'b'.repeat(257), ...elements.slice(2)]],
    ['a node id of 257 bytes', [1, 'boot', 'n'.repeat(257), ...elements.slice(3)]],
    ['a time that is not finite', [...elements.slice(0, 4), Number.POSITIVE_INFINITY, [3, 1]]],
    ['too few elements', elements.slice(0, 5)],
    ['a shard without a sequence', [...elements.slice(0, 5), [3, 1, 200]]],
    ['a negative sequence', [...elements.slice(0, 5), [3, -1]]],
    ['sequences that are no list', [...elements.slice(0, 5), 'hi']],
    ['more shards than a cluster may have', [...elements.slice(0, 5), new Array(2 * 4_097).fill(1)]],
    ['a map', { version: 1 }],
    ['text', 'beat'],
    ['nothing', null],
  ])('has %s', (_what, value) => {
    expect(readBeat(pack(value))).toBeNull();
  });

  test('is cut, wherever', () => {
    for (const bytes of [writeBeat(example), pack([...elements, 'more', { a: [1] }])])
      for (let end = 0; end < bytes.length; end += 1) expect(readBeat(bytes.subarray(0, end))).toBeNull();
  });

  test('is followed by something', () => {
    expect(readBeat(Buffer.concat([writeBeat(example), Buffer.from([0])]))).toBeNull();
  });

  test('is garbage, which never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(readBeat(Buffer.from(bytes))).toBeNull();
      }),
    );
  });

  test('is a beat with a corrupted byte, unless it still is one', () => {
    const bytes = writeBeat(example);
    for (let at = 0; at < bytes.length; at += 1)
      for (let value = 0; value < 256; value += 1) {
        const corrupted = Buffer.from(bytes);
        corrupted[at] = value;
        const beat = readBeat(corrupted);
        if (beat !== null) expect([...beat.sequences.values()].every(Number.isSafeInteger)).toBe(true);
      }
  });
});
