import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { PublicationReader, type Reading } from './publication-reader.ts';
import { maxBatch, publishSchema } from './schemas.ts';

const reader = new PublicationReader();
const json = (body: unknown) =>
  reader.json(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), 7);
const msgpack = (body: unknown) => reader.msgpack(pack(body), 7);

/** What was read, in a form to compare; or the name of the error with its index. */
function shown(reading: Reading): unknown {
  if ('refusal' in reading) return [reading.refusal.error, reading.index];
  return reading.entries.map(({ channel, publication }) => [
    channel,
    publication.kind,
    publication.kind === 'binary' ? [...publication.bytes] : publication.text,
    ...(publication.key === null ? [] : [publication.key]),
  ]);
}

describe('a publication in JSON', () => {
  test.each<[string, unknown]>([
    ['{"channel":"a","json":{"b":1.0,  "b":2}}', ['a', 'json', '{"b":1.0,  "b":2}']],
    [' {"json" : [1e999] , "channel":"a"}\n', ['a', 'json', '[1e999]']],
    ['{"channel":"\\u0061","json":null}', ['a', 'json', 'null']],
    ['{"channel":"a","text":"h\\u00e9"}', ['a', 'text', 'hé']],
    ['{"channel":"a","text":""}', ['a', 'text', '']],
    ['{"channel":"a","binary":"AP8="}', ['a', 'binary', [0, 255]]],
    ['{"channel":"__proto__","json":{"__proto__":1},"other":1}', ['__proto__', 'json', '{"__proto__":1}']],
    ['{"channel":"a","json":{"publications":[1]}}', ['a', 'json', '{"publications":[1]}']],
    ['{"channel":"a","json":"\uFEFF"}', ['a', 'json', '"\uFEFF"']],
    ['{"channel":"a","json":1,"key":"k"}', ['a', 'json', '1', 'k']],
    ['{"key":"\\u006b","channel":"a","text":"","deleted":false}', ['a', 'text', '', 'k']],
    ['{"channel":"a","key":"k","deleted":true}', ['a', 'deleted', '', 'k']],
  ])('is %s', (body, expected) => {
    expect(shown(json(body))).toEqual([expected]);
    expect(json(body)).toMatchObject({ isBatch: false });
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['', 'bad_request'],
    ['x', 'bad_request'],
    ['[]', 'bad_request'],
    ['{"channel":"a","json":1', 'bad_request'],
    ['{"channel":"a","json":1}x', 'bad_request'],
    ['{"channel":"a","json":01}', 'bad_request'],
    ['\uFEFF{"channel":"a","json":1}', 'bad_request'],
    ['{"json":1}', 'bad_request'],
    ['{"channel":1,"json":1}', 'bad_request'],
    ['{"channel":["a"],"json":1}', 'bad_request'],
    ['{"channel":"a"}', 'bad_payload'],
    ['{"channel":"a","json":1,"text":"b"}', 'bad_payload'],
    ['{"channel":"a","text":1}', 'bad_payload'],
    ['{"channel":"a","text":"\\ud800"}', 'bad_payload'],
    ['{"channel":"a","binary":"AP8"}', 'bad_payload'],
    ['{"channel":"a","binary":"*"}', 'bad_payload'],
    ['{"channel":"a","json":1,"key":""}', 'bad_request'],
    ['{"channel":"a","json":1,"key":null}', 'bad_request'],
    [`{"channel":"a","json":1,"key":"${'k'.repeat(129)}"}`, 'bad_request'],
    ['{"channel":"a","key":"k"}', 'bad_payload'],
    ['{"channel":"a","deleted":true}', 'bad_request'],
    ['{"channel":"a","key":"k","deleted":"true"}', 'bad_request'],
    ['{"channel":"a","key":"k","deleted":true,"json":null}', 'bad_payload'],
    [`{"channel":"a","json":${'['.repeat(65)}${']'.repeat(65)}}`, 'bad_payload'],
    ['['.repeat(100_000), 'bad_request'],
    [`{"channel":"a","json":${'['.repeat(100_000)}`, 'bad_request'],
  ])('is not %.60s', (body, error) => {
    expect(shown(json(body))).toEqual([error, null]);
  });

  test('is not what is no UTF-8', () => {
    expect(shown(reader.json(Buffer.from('{"channel":"a","text":"\xff"}', 'latin1'), 0))).toEqual([
      'bad_request',
      null,
    ]);
  });

  test('has the time that it is given', () => {
    const reading = json('{"channel":"a","json":1}');
    expect('entries' in reading && reading.entries[0]?.publication.time).toBe(7);
  });
});

describe('a batch in JSON', () => {
  test('is read in order, each payload as it stands there', () => {
    const body = '{"publications": [ {"channel":"a","json": { } },{"text":"x","channel":"b"} ]}';
    expect(shown(json(body))).toEqual([
      ['a', 'json', '{ }'],
      ['b', 'text', 'x'],
    ]);
    expect(json(body)).toMatchObject({ isBatch: true });
  });

  test('is read however deep its payloads are within their own limit', () => {
    const deep = `${'['.repeat(64)}${']'.repeat(64)}`;
    expect(shown(json(`{"publications":[{"channel":"a","json":${deep}}]}`))).toEqual([['a', 'json', deep]]);
  });

  test('may stand behind members that are not known; of two the last counts', () => {
    const body = '{"publications":[{"channel":"a"}],"x":[[{}]],"publications":[{"channel":"b","json":1}]}';
    expect(shown(json(body))).toEqual([['b', 'json', '1']]);
  });

  test.each<[unknown, unknown]>([
    [{ publications: [] }, ['bad_request', null]],
    [{ publications: {} }, ['bad_request', null]],
    [{ publications: [1] }, ['bad_request', null]],
    [{ publications: [{ channel: 'a', json: 1 }, { channel: 'b' }] }, ['bad_payload', 1]],
    [{ publications: [{ json: 1 }, { channel: 'b' }] }, ['bad_request', 0]],
    ['{"publications":[{"channel":"a","json":1},]}', ['bad_request', null]],
  ])('is not %j', (body, expected) => {
    expect(shown(json(body))).toEqual(expected);
  });

  test('has at most 10,000 publications', () => {
    const batch = (count: number) => ({ publications: new Array(count).fill({ channel: 'a', json: 1 }) });
    expect(shown(json(batch(maxBatch)))).toHaveLength(10_000);
    const reading = json(batch(maxBatch + 1));
    expect(reading).toMatchObject({ refusal: { status: 413, error: 'bad_request' }, index: null });
  });
});

test('the usual form is read as any other form of the same', () => {
  const piece = fc.constantFrom(
    ...'{}[],:" \\\n\u0000aé1.e-',
    '"json":',
    '"text":',
    'true',
    'null',
    '[]',
    '{}',
    '"b"',
  );
  const channel = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
  const value = fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    fc.json({ maxDepth: 2 }),
    fc.nat(70).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  );
  fc.assert(
    fc.property(channel, value, (name, json) => {
      const usual = reader.json(Buffer.from(`{"channel":"${name}","json":${json}}`), 7);
      const other = reader.json(Buffer.from(` {"channel":"${name}","json":${json}}`), 7);
      expect(shown(usual)).toEqual(shown(other));
    }),
    { numRuns: 2_000 },
  );
});

test('JSON is read if and only if the schema takes it', () => {
  const value = fc.oneof(
    fc.constantFrom('a', '', 'AP8=', 'AP8', 1, null, true, [], {}),
    fc.string(),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const publication = fc.record(
    {
      ...{ channel: value, json: value, text: value, binary: value, idempotencyKey: value, other: value },
      ...{ key: value, deleted: fc.oneof(fc.boolean(), value) },
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    publication,
    fc.record({ publications: fc.oneof(fc.array(publication, { maxLength: 3 }), value) }),
    value,
  );
  // What JSON text cannot say, and the rules that a schema does not know, are left out.
  const comparable = (candidate: unknown): boolean => {
    if (typeof candidate !== 'object' || candidate === null) return true;
    if (Array.isArray(candidate)) return candidate.every(comparable);
    const { channel, ...rest } = candidate as Record<string, unknown>;
    const payloads = ['json', 'text', 'binary'].filter((key) => key in rest);
    const isName = typeof channel !== 'string' || (channel !== '' && channel.length <= 200);
    return isName && payloads.length <= 1 && ('publications' in rest ? comparable(rest.publications) : true);
  };
  fc.assert(
    fc.property(body.filter(comparable), (candidate) => {
      expect('entries' in json(candidate)).toBe(publishSchema.safeParse(candidate).success);
    }),
    { numRuns: 500 },
  );
});

test('an idempotency key is read in both forms', () => {
  const keys = (reading: Reading) =>
    ('entries' in reading ? reading.entries : []).map((each) => each.idempotencyKey);
  expect(keys(json({ channel: 'a', json: 1, idempotencyKey: 'k' }))).toEqual(['k']);
  expect(keys(json({ channel: 'a', json: 1 }))).toEqual([null]);
  expect(keys(msgpack(['a', 'x', 'k']))).toEqual(['k']);
  expect(
    keys(
      msgpack([
        ['a', 'x', null],
        ['a', 'x', 'k', 'more'],
      ]),
    ),
  ).toEqual([null, 'k']);
  for (const key of ['', 'k'.repeat(129), 7])
    for (const reading of [json({ channel: 'a', json: 1, idempotencyKey: key }), msgpack(['a', 'x', key])])
      expect(reading).toMatchObject({ refusal: { error: 'bad_request' } });
});

describe('MessagePack', () => {
  test('holds a publication as channel and payload, or an array of such', () => {
    expect(shown(msgpack(['a', 'hé']))).toEqual([['a', 'text', 'hé']]);
    expect(shown(msgpack(['a', Buffer.from([0, 255])]))).toEqual([['a', 'binary', [0, 255]]]);
    expect(msgpack([['a', 'x']])).toMatchObject({ isBatch: true });
    expect(
      shown(
        msgpack([
          ['a', 'x'],
          ['b', 'y', 'more'],
        ]),
      ),
    ).toEqual([
      ['a', 'text', 'x'],
      ['b', 'text', 'y'],
    ]);
    expect(shown(msgpack(['a', 'x', null, 'k']))).toEqual([['a', 'text', 'x', 'k']]);
    expect(shown(msgpack(['a', null, 'i', 'k']))).toEqual([['a', 'deleted', '', 'k']]);
    const extension = Buffer.concat([Buffer.from([0x92, 0xa1, 0x61, 0xc7, 5, 1]), Buffer.from('[1.0]')]);
    expect(shown(reader.msgpack(extension, 0))).toEqual([['a', 'json', '[1.0]']]);
  });

  test.each<[string, unknown, unknown]>([
    ['an empty array', [], ['bad_request', null]],
    ['a map', { channel: 'a', text: 'x' }, ['bad_request', null]],
    ['a channel alone', ['a'], ['bad_payload', null]],
    ['a channel that is a number', [1, 'x'], ['bad_request', null]],
    ['a payload that is a number', ['a', 1], ['bad_payload', null]],
    ['a key that is a number', ['a', 'x', null, 1], ['bad_request', null]],
    [
      'a batch with a bad one',
      [
        ['a', 'x'],
        ['b', true],
      ],
      ['bad_payload', 1],
    ],
    ['a batch with something else', [['a', 'x'], 1], ['bad_request', null]],
    ['a batch that is too large', new Array(maxBatch + 1).fill(['a', 'x']), ['bad_request', null]],
  ])('does not hold %s', (_what, body, expected) => {
    expect(shown(msgpack(body))).toEqual(expected);
  });

  test.each([
    ['an array of 2^32 - 1', 'ddffffffff'],
    ['a map of 2^32 - 1', '92a161dfffffffff'],
    ['an extension of 2^32 - 1', '92a161c9ffffffff01'],
    ['a type that does not exist', '92a161c1'],
    ['10,000 levels', '91'.repeat(10_000)],
    ['an extension that is no JSON', '92a161d4017b'],
    ['an extension of another type', '92a161d40231'],
    ['text that is no UTF-8', '92a161a1ff'],
    ['a channel that is no UTF-8', '92a1ffa161'],
  ])('is refused when it is %s', (_what, hex) => {
    expect('refusal' in reader.msgpack(Buffer.from(hex, 'hex'), 0)).toBe(true);
  });

  test('is refused when it is cut, wherever, or followed by something', () => {
    const body = pack([
      ['a', 'x'],
      ['b', Buffer.from([1, 2])],
    ]);
    for (let end = 0; end < body.length; end += 1)
      expect('refusal' in reader.msgpack(body.subarray(0, end), 0)).toBe(true);
    expect(shown(reader.msgpack(Buffer.concat([body, Buffer.from([0])]), 0))).toEqual(['bad_request', null]);
  });
});
