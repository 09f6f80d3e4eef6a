import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { mutate, randomNumbers } from '../../test/support/mutate.ts';
import { Publication } from '../channel/publication.ts';
import { maxFrameBytes } from './bridge-frame.ts';
import { MsgpackWriter } from './msgpack-writer.ts';
import { entryTimeAt, SequencedReader, SequencedWriter } from './sequenced-frame.ts';

const writer = new SequencedWriter();
const reader = new SequencedReader();
const hi = Publication.text('hi', 1_500);

type Entry = [channel: string, epoch: string, offset: number, entry: Buffer];

/** Puts a frame together as Redis does. */
function frame(shard: number, entries: Entry[], positions = positionsOf(entries)): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(Buffer.byteLength(positions));
  const body = new MsgpackWriter();
  body.array(entries.length);
  const parts = entries.flatMap(([channel, , , entry]) => {
    const start = new MsgpackWriter();
    start.array(2);
    start.text(channel);
    return [start.copy(), entry];
  });
  return Buffer.concat([
    ...[writer.frameStart(shard), Buffer.of(0xdb), size, Buffer.from(positions)],
    ...[body.copy(), ...parts],
  ]);
}

function positionsOf(entries: Entry[]): string {
  return entries.map(([, epoch, offset]) => ` ${epoch} ${offset} 0`).join('');
}

describe('an entry', () => {
  test('is exactly these bytes', () => {
    expect(writer.entry([hi]).toString('hex')).toBe(`9301cb${'4097700000000000'}91${'9200c402'}6869`);
  });

  test('brings back kinds, bytes, order and time', () => {
    const publications = [
      hi,
      Publication.binary(Uint8Array.of(0, 255), 1_600),
      Publication.json('{"a": 1.0}', 1_700),
      Publication.text('', 1_800),
      Publication.text(Buffer.from('ü'), 1_900),
    ];
    const read = reader.entry(writer.entry(publications)) ?? [];
    expect(read.map(({ kind }) => kind)).toEqual(['text', 'binary', 'json', 'text', 'text']);
    expect(read.map(({ payload }) => payload)).toEqual(['hi', Buffer.of(0, 255), '{"a": 1.0}', '', 'ü']);
    expect(read.every(({ time }) => time === 1_500)).toBe(true);
  });

  test('may be longer than this version knows, in every array', () => {
    const longer = Buffer.from(
      pack([
        1,
        0.5,
        [
          [0, Buffer.from('x'), 'key', 'more'],
          [0, Buffer.from('y'), null, 1],
        ],
        { more: true },
      ]),
    );
    expect(reader.entry(longer)?.map(({ payload, key }) => [payload, key])).toEqual([
      ['x', 'key'],
      ['y', null],
    ]);
  });

  test('brings back keys and deletions, and tells where they stand', () => {
    const publications = [
      Publication.text('ü', 0).withKey('é'),
      hi,
      Publication.deletion('k'.repeat(128), 0),
      Publication.binary(new Uint8Array(300).fill(7), 0).withKey('b'),
    ];
    const { pieces, keyed } = writer.entries([
      { channel: 'a', publications: [hi] },
      { channel: 'b', publications },
    ]);
    const entry = pieces[4] as Buffer;
    const read = reader.entry(entry) ?? [];
    expect(read.map(({ kind, key }) => [kind, key])).toEqual([
      ['text', 'é'],
      ['text', null],
      ['deleted', 'k'.repeat(128)],
      ['binary', 'b'],
    ]);
    expect(keyed[0]).toEqual([]);
    const places = (keyed[1] ?? []).map(
      ({ index, kind, key, keyStart, keyEnd, payloadStart, payloadEnd }) => {
        expect(entry.subarray(keyStart, keyEnd).toString()).toBe(key);
        return [index, kind, entry.subarray(payloadStart, payloadEnd).toString('latin1')];
      },
    );
    expect(places).toEqual([
      [0, 'text', Buffer.from('ü').toString('latin1')],
      [2, 'deleted', ''],
      [3, 'binary', '\x07'.repeat(300)],
    ]);
    expect(entry.readDoubleBE(entryTimeAt)).toBe(0);
  });

  test.each<[string, unknown]>([
    ['of another version', [2, 0.5, [[0, Buffer.from('x')]]]],
    ['without publications', [1, 0.5, []]],
    ['with a kind that is not known', [1, 0.5, [[4, Buffer.from('x'), 'k']]]],
    ['with a deletion without a key', [1, 0.5, [[3, Buffer.alloc(0)]]]],
    ['with an empty key', [1, 0.5, [[0, Buffer.from('x'), '']]]],
    ['with a key that is too long', [1, 0.5, [[0, Buffer.from('x'), 'k'.repeat(129)]]]],
    ['with a payload that is text', [1, 0.5, [[0, 'x']]]],
    ['without a time', [1, 'now', [[0, Buffer.from('x')]]]],
    ['that is too short', [1, 0.5]],
    ['that is no array', 'Hello'],
  ])('%s is none', (_name, value) => {
    expect(reader.entry(Buffer.from(pack(value)))).toBe(null);
  });

  test('with something behind it, cut, empty or too large is none', () => {
    const entry = writer.entry([hi]);
    expect(reader.entry(Buffer.concat([entry, Buffer.of(0)]))).toBe(null);
    for (let size = 0; size < entry.length; size += 1)
      expect(reader.entry(entry.subarray(0, size))).toBe(null);
    expect(reader.entry(Buffer.alloc(maxFrameBytes + 1))).toBe(null);
  });
});

describe('a frame', () => {
  test('is what a general library reads, with positions beside the entries', () => {
    const bytes = frame(7, [['chat', 'g.c', 12, writer.entry([hi])]]);
    expect(unpack(bytes)).toEqual([1, 7, ' g.c 12 0', [['chat', [1, 1_500, [[0, Buffer.from('hi')]]]]]]);
  });

  test('without entries, which says that a generation has begun, is exactly these bytes', () => {
    expect(writer.generationFrame(300).toString('hex')).toBe(`9401${'cd012c'}a090`);
    expect(reader.frame(writer.generationFrame(300))).toEqual({ shard: 300, entries: [] });
  });

  test('ends with what the writer has prepared, where each entry is a piece', () => {
    const contents = [
      { channel: 'chat', publications: [hi] },
      { channel: 'préis', publications: [hi, hi] },
    ];
    const { pieces } = writer.entries(contents);
    const entries = contents.map(({ publications }) => writer.entry(publications));
    expect([pieces[2], pieces[4]]).toEqual(entries);
    const whole = frame(7, [
      ['chat', 'g.c', 12, entries[0] as Buffer],
      ['préis', 'g.d', 2, entries[1] as Buffer],
    ]);
    const end = Buffer.concat(pieces);
    expect(whole.subarray(-end.length)).toEqual(end);
  });

  test('leaves out what was not appended', () => {
    const entries: Entry[] = [
      ['a', 'e', 5, writer.entry([hi])],
      ['b', 'e', 6, writer.entry([hi])],
    ];
    const read = reader.frame(frame(0, entries, ' e 5 1 e 6 0'));
    expect(read?.entries.map(({ channel }) => channel)).toEqual(['b']);
    for (const mark of [2, 3])
      expect(reader.frame(frame(0, entries, ` - 0 ${mark} e 6 0`))?.entries).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['missing', ''],
    ['cut', ' e 5'],
    ['too many', ' e 5 0 e 6 0'],
    ['followed by a space', ' e 5 0 '],
    ['of another kind', ' e 5 4'],
    ['full of spaces', ' '.repeat(1_000_000)],
  ])('whose positions are %s is none', (_name, positions) => {
    expect(reader.frame(frame(0, [['a', 'e', 5, writer.entry([hi])]], positions))).toBe(null);
  });

  test('brings back channels and positions', () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const read = reader.frame(
      frame(63, [
        ['chat', 'a.b', 2, writer.entry([hi, Publication.text('ho', 0)])],
        ['préis', 'c.d', largest, writer.entry([hi])],
      ]),
    );
    expect(read?.shard).toBe(63);
    expect(read?.entries.map(({ channel, batch }) => [channel, batch.epoch, batch.offset])).toEqual([
      ['chat', 'a.b', 2],
      ['préis', 'c.d', largest],
    ]);
    expect(read?.entries[0]?.batch.publications.map(({ text }) => text)).toEqual(['hi', 'ho']);
  });

  test.each<[string, number]>([
    ['0', 0],
    ['negative', -1],
    ['broken', 1.5],
    ['beyond 2^53', 2 ** 53],
    ['infinite', Number.POSITIVE_INFINITY],
    ['smaller than its publications are many', 1],
  ])('whose offset is %s is none', (_name, offset) => {
    expect(reader.frame(frame(0, [['a', 'e', offset, writer.entry([hi, hi])]]))).toBe(null);
  });

  test('with one bad entry delivers none of the others', () => {
    const good = writer.entry([hi]);
    expect(reader.frame(frame(0, [['a', 'e', 1, good]]))).not.toBe(null);
    for (const bad of [
      ['', 'e', 1, good] as const,
      ['a\n', 'e', 1, good] as const,
      ['a', '', 1, good] as const,
      ['a', 'e'.repeat(32), 1, good] as const,
      ['a', 'e', 1, Buffer.from('x')] as const,
    ])
      expect(reader.frame(frame(0, [['a', 'e', 1, good], [...bad]]))).toBe(null);
  });

  test('that is damaged is none, or one whose parts are what they must be', () => {
    const random = randomNumbers(20_261);
    const whole = frame(3, [
      ['chat', 'a.b', 9, writer.entry([hi, Publication.json('[1]', 0)])],
      ['other', 'a.b', 1, writer.entry([Publication.binary(Uint8Array.of(1, 2, 3), 0)])],
    ]);
    for (let i = 0; i < 20_000; i += 1)
      for (const { batch } of reader.frame(mutate(whole, random))?.entries ?? []) {
        expect(batch.publications.length).toBeGreaterThan(0);
        expect(batch.offset).toBeGreaterThanOrEqual(batch.publications.length);
      }
  });
});
