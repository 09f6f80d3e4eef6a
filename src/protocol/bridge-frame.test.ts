import fc from 'fast-check';
import { pack, unpack } from 'msgpackr';
import { beforeEach, describe, expect, test } from 'vitest';
import { mutate, randomNumbers } from '../../test/support/mutate.ts';
import { maxChannelNameBytes } from '../channel/channel-name.ts';
import { type Payload, Publication } from '../channel/publication.ts';
import { FrameReader, FrameWriter, frameVersion, maxFrameBytes } from './bridge-frame.ts';
import { MsgpackWriter } from './msgpack-writer.ts';

const sender = { bootId: 'boot', nodeId: 'node' };
const sentAt = 1_700_000_000_000.5;

/** Text as a string, binary as bytes, JSON as its text. */
type Content = Payload | { json: string };
type Entry = [channel: string, content: Content];

let reader: FrameReader;

beforeEach(() => {
  reader = new FrameReader();
});

function frameOf(publications: readonly Entry[], writer = new FrameWriter(sender, 7)): Buffer {
  for (const [channel, content] of publications) writer.add(channel, publicationOf(content));
  return writer.take(sentAt);
}

function publicationOf(content: Content): Publication {
  return isJson(content) ? Publication.json(content.json, 0) : Publication.of(content, 0);
}

function isJson(content: Content): content is { json: string } {
  return typeof content === 'object' && 'json' in content;
}

const text = (content: string) => Publication.text(content, 0);

/** With binary as text, which is compared in a fraction of the time. */
function comparable(
  publications: readonly Entry[],
): [string, string | { json: string } | { binary: string }][] {
  return publications.map(([channel, content]) => [
    channel,
    typeof content === 'string' || isJson(content)
      ? content
      : { binary: Buffer.from(content).toString('base64') },
  ]);
}

/** What the reader hands out now. */
function delivered(): ReturnType<typeof comparable> {
  const received: ReturnType<typeof comparable> = [];
  reader.deliver((channel, { kind, payload }) => {
    received.push(...comparable([[channel, kind === 'json' ? { json: payload as string } : payload]]));
  });
  return received;
}

/** A frame of any MessagePack, as another implementation might write it. Floats must not be whole: those become integers. */
function foreign(elements: readonly unknown[]): Buffer {
  return pack(elements);
}

const bytes = (text: string) => Buffer.from(text);
const entry = ['a', 0, bytes('hi')];
const header = [1, 'boot', 7, 1];
const body = ['node', sentAt];

const anyText = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constant(''));
const content: fc.Arbitrary<Content> = fc.oneof(
  { weight: 5, arbitrary: anyText },
  { weight: 5, arbitrary: fc.json().map((json) => ({ json })) },
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(0, 255, 256, 4_096, 65_535, 65_536)
      .map((size) => new Uint8Array(size).fill(size % 251)),
  },
  { weight: 1, arbitrary: fc.nat(70_000).map((size) => 'é'.repeat(size / 2)) },
);
const channel = fc.oneof(
  fc.constantFrom('livechat', 'a', 'left', 'right'),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .filter((name) => Buffer.byteLength(name) <= maxChannelNameBytes),
  fc.nat(300).map((match) => `match-${match}`),
);
const publications = fc.array(fc.tuple(channel, content), { minLength: 1, maxLength: 40 });

describe('the bytes of a frame', () => {
  test('are those of the example', () => {
    const writer = new FrameWriter(sender, 7);
    writer.add('a', text('hi'));
    const frame = writer.take(0);
    expect(frame.toString('hex')).toBe(
      '97' +
        '01' +
        'a4626f6f74' +
        '07' +
        '01' +
        'a46e6f6465' +
        'cb0000000000000000' +
        'dd00000001' +
        '93a16100c4026869',
    );
    expect(frame.length).toBe(36);
  });

  test('name the kind of a payload', () => {
    expect(frameOf([['a', bytes('hi')]]).toString('hex')).toMatch(/93a16101c4026869$/);
    expect(frameOf([['a', '']]).toString('hex')).toMatch(/93a16100c400$/);
    expect(frameOf([['a', { json: '[]' }]]).toString('hex')).toMatch(/93a16102c4025b5d$/);
  });

  test('have an idempotency key behind the payload of what was published with one', () => {
    const writer = new FrameWriter(sender, 7);
    writer.add('a', text('hi'), 'k');
    writer.add('a', text('hi'));
    expect(writer.take(0).toString('hex')).toMatch(/94a16100c4026869a16b93a16100c4026869$/);
  });

  test('are MessagePack of the documented structure', () => {
    fc.assert(
      fc.property(publications, (list) => {
        const [entries, ...rest] = (unpack(frameOf(list)) as unknown[]).reverse();
        expect(rest.reverse()).toEqual([frameVersion, 'boot', 7, 1, 'node', sentAt]);
        expect(
          (entries as [string, number, Buffer][]).map(([name, kind, content]) => [
            name,
            kind,
            content.toString('base64'),
          ]),
        ).toEqual(
          list.map(([name, content]) => [
            name,
            typeof content === 'string' ? 0 : isJson(content) ? 2 : 1,
            Buffer.from((isJson(content) ? content.json : content) as string).toString('base64'),
          ]),
        );
      }),
    );
  });
});

describe('a frame', () => {
  test('holds what was published, in order, text as text, JSON as JSON and binary as binary', () => {
    fc.assert(
      fc.property(publications, (list) => {
        expect(reader.read(frameOf(list))).toBe('frame');
        const { bootId, shard, sequence, nodeId, count, unknownKinds } = reader;
        expect({ bootId, shard, sequence, nodeId, sentAt: reader.sentAt }).toEqual({
          ...sender,
          shard: 7,
          sequence: 1,
          sentAt,
        });
        expect([count, unknownKinds]).toEqual([list.length, 0]);
        expect(delivered()).toEqual(comparable(list));
      }),
    );
  });

  test('may hold many more than one reader has room for at first', () => {
    const list = Array.from({ length: 3_000 }, (_, i): Entry => [`match-${i % 7}`, `goal ${i}`]);
    expect(reader.read(frameOf(list))).toBe('frame');
    expect(delivered()).toEqual(list);
  });

  test('keeps apart neighbours whose channels have the same length or the same end', () => {
    const list = ['ab', 'ab', 'bb', 'b', 'ab', 'aab', 'é', 'a\u0301', 'é'].map((name): Entry => [name, name]);
    expect(reader.read(frameOf(list))).toBe('frame');
    expect(delivered()).toEqual(list);
  });

  test('keeps a byte order mark and zero bytes', () => {
    const list: Entry[] = [
      ['a', '\ufeffhi'],
      ['a', '\u0000'],
      ['\ufeffa', 'x'],
    ];
    expect(reader.read(frameOf(list))).toBe('frame');
    expect(delivered()).toEqual(list);
  });

  test('delivers every kind as a view of its own bytes', () => {
    const frame = frameOf([
      ['a', bytes('hi')],
      ['a', 'hi'],
      ['a', { json: '1.0' }],
    ]);
    reader.read(frame);
    reader.deliver((_channel, publication) => {
      expect(publication.bytes.buffer).toBe(frame.buffer);
    });
  });

  test('keeps JSON byte for byte', () => {
    const list: Entry[] = [['a', { json: '{ "a": 1.0, "a": "\\u0041" }' }]];
    reader.read(frameOf(list));
    expect(delivered()).toEqual(list);
  });

  test.each([
    [sentAt, 1_700_000_000_001],
    [0, 0],
    [-0.2, 0],
    [-5, 0],
    [1e300, Number.MAX_SAFE_INTEGER],
  ])('sent at %d has publications of the time %d', (given, time) => {
    const writer = new FrameWriter(sender, 7);
    writer.add('a', text('hi'));
    reader.read(writer.take(given));
    reader.deliver((_channel, publication) => expect(publication.time).toBe(time));
    expect(reader.count).toBe(1);
  });

  test('can be delivered twice', () => {
    reader.read(frameOf([['a', 'hi']]));
    expect([delivered(), delivered()]).toEqual([[['a', 'hi']], [['a', 'hi']]]);
  });

  test('may hold nothing', () => {
    expect(reader.read(foreign([...header, ...body, []]))).toBe('frame');
    expect([reader.count, delivered()]).toEqual([0, []]);
  });

  test('of msgpackr is read like our own', () => {
    expect(reader.read(foreign([...header, ...body, [entry, ['b', 1, bytes('\u0000')]]]))).toBe('frame');
    expect(delivered()).toEqual([
      ['a', 'hi'],
      ['b', { binary: 'AA==' }],
    ]);
  });
});

describe('the writer', () => {
  let writer: FrameWriter;

  beforeEach(() => {
    writer = new FrameWriter(sender, 7);
  });

  test('has nothing at first', () => {
    expect([writer.sequence, writer.count, writer.bytes]).toEqual([0, 0, 0]);
  });

  test('numbers its frames from 1 on, one after the other', () => {
    const sequences = [1, 2, 3].map(() => {
      reader.read(frameOf([['a', 'hi']], writer));
      return reader.sequence;
    });
    expect(sequences).toEqual([1, 2, 3]);
    expect(writer.sequence).toBe(3);
  });

  test('consumes a number with each frame that is taken, not with what is added', () => {
    writer.add('a', text('hi'));
    writer.add('a', text('ho'));
    expect(writer.sequence).toBe(0);
    writer.take(sentAt); // Dropped: nobody ever sees number 1.
    reader.read(frameOf([['a', 'hi']], writer));
    expect(reader.sequence).toBe(2);
  });

  test('writes large numbers too', () => {
    for (let i = 0; i < 300; i += 1) frameOf([['a', 'hi']], writer);
    reader.read(frameOf([['a', 'hi']], writer));
    expect(reader.sequence).toBe(301);
  });

  test('knows how much is gathered', () => {
    writer.add('a', text('hi'));
    expect([writer.count, writer.bytes]).toEqual([1, 36]);
    writer.add('a', text('hi'));
    expect([writer.count, writer.bytes]).toEqual([2, 44]);
    expect(writer.take(sentAt).length).toBe(44);
    expect([writer.count, writer.bytes]).toEqual([0, 0]);
  });

  test('leaves nothing of a frame in the next, after a large one too', () => {
    fc.assert(
      fc.property(fc.array(publications, { minLength: 1, maxLength: 4 }), fc.nat(3), (lists, largeAt) => {
        const reused = new FrameWriter(sender, 7);
        lists.forEach((list, i) => {
          const all: Entry[] = i === largeAt ? [...list, ['large', new Uint8Array(300_000)]] : list;
          expect(reader.read(frameOf(all, reused))).toBe('frame');
          expect(reader.sequence).toBe(i + 1);
          expect(delivered()).toEqual(comparable(all));
        });
      }),
      { numRuns: 30 },
    );
  });

  test('hands out bytes that stay as they are', () => {
    const first = frameOf([['a', 'hi']], writer);
    const before = first.toString('hex');
    frameOf([['b', 'overwritten?']], writer);
    expect(first.toString('hex')).toBe(before);
  });

  test('copies what it is given', () => {
    const view = bytes('hi');
    writer.add('a', Publication.binary(view, 0));
    view.fill(0);
    reader.read(writer.take(sentAt));
    expect(delivered()).toEqual([['a', { binary: 'aGk=' }]]);
  });
});

describe('an idempotency key', () => {
  const keys = () => {
    const all: (string | null)[] = [];
    reader.deliver((_channel, _publication, key) => all.push(key));
    return all;
  };
  const read = (...entries: unknown[]) => reader.read(foreign([...header, ...body, entries]));

  test('is handed out with its publication, and with no other', () => {
    expect(read(entry, [...entry, 'k'], ['a', 9, bytes('hi'), 'l'], [...entry, '€'.repeat(128)], entry)).toBe(
      'frame',
    );
    expect(keys()).toEqual([null, 'k', '€'.repeat(128), null]);
    // Nothing of it stays for the next frame.
    expect(read(entry, entry)).toBe('frame');
    expect(keys()).toEqual([null, null]);
  });

  test('that is too long is malformed; another type is one that a later version may have', () => {
    expect(read([...entry, 'k'.repeat(385)])).toBe('malformed');
    expect(read([...entry, null, 'x'], [...entry, 7])).toBe('frame');
    expect(keys()).toEqual([null, null]);
  });
});

describe('a frame of another version', () => {
  test.each([
    ['0', [0, 'boot', 7, 5]],
    ['2', [2, 'boot', 7, 5]],
    ['2 with more', [2, 'boot', 7, 5, { a: [null, 1.5] }, -1]],
    ['2^32', [2 ** 32, 'boot', 7, 5]],
  ])('gives its header and nothing else: %s', (_what, elements) => {
    const [version, ...rest] = elements;
    const writer = new MsgpackWriter();
    writer.array(elements.length);
    writer.unsigned(version as number);
    const frame = Buffer.concat([writer.copy(), ...rest.map((element) => pack(element))]);
    expect(reader.read(frame)).toBe('unknown version');
    expect([reader.bootId, reader.shard, reader.sequence, reader.count]).toEqual(['boot', 7, 5, 0]);
    expect(delivered()).toEqual([]);
  });

  test.each([
    ['an empty boot id', [2, '', 7, 1]],
    ['sequence 0', [2, 'boot', 7, 0]],
    ['a header that is too short', [2, 'boot', 7]],
    ['a shard that is no number', [2, 'boot', '7', 1]],
  ])('is malformed all the same with %s', (_what, elements) => {
    expect(reader.read(foreign(elements))).toBe('malformed');
  });
});

describe('what a later version may add', () => {
  const additions = [null, true, -1, 1.5, 'more', bytes('more'), [1, [2]], { a: 1 }, new Date(1)];

  test.each(additions)('is skipped behind the frame: %j', (more) => {
    expect(reader.read(foreign([...header, ...body, [entry], more, more]))).toBe('frame');
    expect(delivered()).toEqual([['a', 'hi']]);
  });

  test.each(additions)('is skipped behind a publication: %j', (more) => {
    expect(reader.read(foreign([...header, ...body, [[...entry, more, more], entry]]))).toBe('frame');
    expect(delivered()).toEqual([
      ['a', 'hi'],
      ['a', 'hi'],
    ]);
  });

  test.each(additions)('is skipped and counted as an unknown kind: %j', (content) => {
    for (const kind of [3, 4, 255, 65_536]) {
      const list = [entry, ['a', kind, content], ['b', 1, bytes('ho')], ['a', kind, content, 1]];
      expect(reader.read(foreign([...header, ...body, list]))).toBe('frame');
      expect([reader.count, reader.unknownKinds]).toEqual([4, 2]);
      expect(delivered()).toEqual([
        ['a', 'hi'],
        ['b', { binary: 'aG8=' }],
      ]);
    }
  });

  test.each([2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1])(
    'is not taken for a known kind, however large its number: %d',
    (kind) => {
      // A frame before it, so that there is something to be confused with.
      reader.read(frameOf([['a', 'hi']]));
      const writer = new MsgpackWriter();
      writer.unsigned(kind);
      const list = [Buffer.from('93a161', 'hex'), writer.copy(), Buffer.from('c4026869', 'hex')];
      const start = foreign([...header, ...body, []]);
      const frame = Buffer.concat([start.subarray(0, -1), Buffer.from('91', 'hex'), ...list]);
      expect(reader.read(frame)).toBe('frame');
      expect([reader.count, reader.unknownKinds]).toEqual([1, 1]);
      expect(delivered()).toEqual([]);
    },
  );

  test('must not be nested deeper than anybody needs', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 1_000; i += 1) deep = [deep];
    expect(reader.read(foreign([...header, ...body, [entry], deep]))).toBe('malformed');
    expect(reader.read(foreign([...header, ...body, [['a', 9, deep]]]))).toBe('malformed');
  });
});

describe('a malformed frame', () => {
  test.each<[string, readonly unknown[]]>([
    ['an empty boot id', [1, '', 7, 1, ...body, [entry]]],
    ['a boot id of 33 bytes', [1, 'b'.repeat(33), 7, 1, ...body, [entry]]],
    ['a boot id that is no text', [1, bytes('boot'), 7, 1, ...body, [entry]]],
    ['sequence 0', [1, 'boot', 7, 0, ...body, [entry]]],
    ['a negative sequence', [1, 'boot', 7, -1, ...body, [entry]]],
    ['a sequence that is no whole number', [1, 'boot', 7, 1.5, ...body, [entry]]],
    ['a negative shard', [1, 'boot', -1, 1, ...body, [entry]]],
    ['a version that is no number', ['1', 'boot', 7, 1, ...body, [entry]]],
    ['a node id of 257 bytes', [...header, 'n'.repeat(257), sentAt, [entry]]],
    ['a time that is a whole number', [...header, 'node', 5, [entry]]],
    ['a time that is not finite', [...header, 'node', Number.POSITIVE_INFINITY, [entry]]],
    ['no publications', [...header, ...body]],
    ['publications that are no list', [...header, ...body, 'hi']],
    ['a publication that is no list', [...header, ...body, [entry, 'hi']]],
    ['a publication without a payload', [...header, ...body, [entry, ['a', 0]]]],
    ['an empty channel', [...header, ...body, [entry, ['', 0, bytes('hi')]]]],
    ['a channel of 201 bytes', [...header, ...body, [entry, ['a'.repeat(201), 0, bytes('hi')]]]],
    [
      'a channel of 202 bytes in 101 characters',
      [...header, ...body, [entry, ['é'.repeat(101), 0, bytes('hi')]]],
    ],
    ['a channel that is no text', [...header, ...body, [entry, [bytes('a'), 0, bytes('hi')]]]],
    ['a kind that is no number', [...header, ...body, [entry, ['a', 'text', bytes('hi')]]]],
    ['a negative kind', [...header, ...body, [entry, ['a', -1, bytes('hi')]]]],
    ['text that is not in a binary', [...header, ...body, [entry, ['a', 0, 'hi']]]],
    ['binary that is not in a binary', [...header, ...body, [entry, ['a', 1, 'hi']]]],
    ['JSON that is not in a binary', [...header, ...body, [entry, ['a', 2, '[]']]]],
    ['no elements', []],
    ['three elements', [1, 'boot', 7]],
    ['six elements', [...header, ...body]],
  ])('has %s', (_what, elements) => {
    expect(reader.read(foreign(elements))).toBe('malformed');
    expect([reader.count, delivered()]).toEqual([0, []]);
  });

  test('is not one at the bounds of its ids and its channel', () => {
    const list: Entry[] = [['a'.repeat(200), 'hi']];
    const writer = new FrameWriter({ bootId: 'b'.repeat(32), nodeId: 'n'.repeat(256) }, 4_095);
    expect(reader.read(frameOf(list, writer))).toBe('frame');
    expect(delivered()).toEqual(list);
  });

  test.each([
    ['nothing', ''],
    ['a map', '80'],
    ['text', 'a26869'],
    ['a number', '07'],
    ['the type that does not exist', 'c1'],
    ['4 Gi elements', 'ddffffffff0101010101'],
  ])('is %s', (_what, hex) => {
    expect(reader.read(Buffer.from(hex, 'hex'))).toBe('malformed');
  });

  test('is followed by something', () => {
    expect(reader.read(Buffer.concat([frameOf([['a', 'hi']]), Buffer.from([0])]))).toBe('malformed');
    expect(delivered()).toEqual([]);
  });

  test('is cut, wherever', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(channel, fc.oneof(anyText, fc.uint8Array())), { minLength: 1 }),
        (list) => {
          const frame = frameOf(list);
          for (let end = 0; end < frame.length; end += 1) {
            expect(reader.read(frame.subarray(0, end))).toBe('malformed');
            expect(delivered()).toEqual([]);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test('is larger than any that a node sends, and delivers nothing of the one before', () => {
    reader.read(frameOf([['a', 'hi']]));
    expect(reader.read(Buffer.alloc(maxFrameBytes + 1))).toBe('malformed');
    expect([reader.count, delivered()]).toEqual([0, []]);
  });

  test('does not disturb the next one', () => {
    const frame = frameOf([['a', 'hi']]);
    reader.read(frame.subarray(0, 20));
    expect(reader.read(frame)).toBe('frame');
    expect(delivered()).toEqual([['a', 'hi']]);
  });
});

describe('a frame of the largest payload', () => {
  test('is not too large', () => {
    const list: Entry[] = [['a'.repeat(200), new Uint8Array(16_777_216)]];
    const writer = new FrameWriter({ bootId: 'b'.repeat(32), nodeId: 'n'.repeat(256) }, 4_095);
    const frame = frameOf(list, writer);
    expect(frame.length).toBeLessThanOrEqual(maxFrameBytes);
    expect(reader.read(frame)).toBe('frame');
    reader.deliver((_channel, publication) => expect(publication.byteLength).toBe(16_777_216));
  });
});

describe('a corrupted frame', () => {
  const list: Entry[] = [
    ['left', 'hi'],
    ['left', { json: '[1.0]' }],
    ['left', bytes('\u0000\u0001')],
    ['Küche', '🙂'],
    ['right', ''],
  ];

  /** Reads without knowing what it is; what is delivered must lie within the frame. Returns the verdict. */
  function survive(frame: Buffer): string {
    const verdict = reader.read(frame);
    let received = 0;
    reader.deliver((name, { byteLength, payload, time }) => {
      received += 1;
      if (
        name === '' ||
        byteLength > frame.length ||
        payload.length > byteLength ||
        !Number.isSafeInteger(time)
      )
        throw new Error(`delivered ${name}, ${byteLength}`);
    });
    if (received !== (verdict === 'frame' ? reader.count - reader.unknownKinds : 0))
      throw new Error(`a ${verdict} of ${reader.count} delivered ${received}`);
    return verdict;
  }

  test('in any single byte neither throws nor delivers by halves', () => {
    const frame = frameOf(list);
    const verdicts = new Set<string>();
    for (let at = 0; at < frame.length; at += 1)
      for (let value = 0; value < 256; value += 1) {
        const corrupted = Buffer.from(frame);
        corrupted[at] = value;
        verdicts.add(survive(corrupted));
      }
    expect([...verdicts].sort()).toEqual(['frame', 'malformed', 'unknown version']);
  });

  test('in many ways never throws: 100,000 of them', () => {
    const seed = Date.now() % 2 ** 32;
    const random = randomNumbers(seed);
    const frames = [
      frameOf(list),
      frameOf(Array.from({ length: 40 }, (_, i): Entry => [`match-${i % 3}`, `goal ${i}`])),
      foreign([
        ...header,
        ...body,
        [
          [...entry, { a: [1, 2] }],
          ['a', 9, new Date(1)],
        ],
        'more',
        [[[1]]],
      ]),
    ];
    for (let i = 0; i < 100_000; i += 1) {
      const mutated = mutate(frames[i % frames.length] as Buffer, random);
      try {
        survive(mutated);
      } catch (error) {
        throw new Error(`seed ${seed}, frame ${i}: ${mutated.toString('hex')}`, { cause: error });
      }
    }
  });
});
