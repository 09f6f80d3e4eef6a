import fc from 'fast-check';
import { addExtension, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../test/support/any-text.ts';
import { writtenBytes } from '../../test/support/written-bytes.ts';
import { Publication } from '../channel/publication.ts';
import type { ErrorName } from './error-codes.ts';
import { Malformed } from './malformed.ts';
import type { Command } from './messages.ts';
import { msgpackCodec } from './msgpack-codec.ts';

const time = 1_764_000_000_000;
const head = { channel: 'a', number: 1, sequence: 7, position: null };

function decode(written: string): Command[] {
  return msgpackCodec.decode(writtenBytes(written), time);
}

function decodeOne(written: string): Command {
  const commands = decode(written);
  expect(commands).toHaveLength(1);
  return commands[0] as Command;
}

/** The kind and content of a publication, or the error that it is answered with. */
function payloadOf(written: string): [kind: string, content: string] | ErrorName {
  const command = decodeOne(`94 04 c0 a1 "a" ${written}`);
  if (command.type === 'mistake') return command.error;
  if (command.type !== 'publish') throw new Error(command.type);
  const { kind, bytes } = command.publication;
  return [kind, Buffer.from(bytes).toString(kind === 'binary' ? 'hex' : 'utf8')];
}

describe('a payload', () => {
  test.each<[string, string, string]>([
    ['a2 "hi"', 'text', 'hi'],
    ['d9 02 "hi"', 'text', 'hi'],
    ['da 0002 "hi"', 'text', 'hi'],
    ['db 00000002 "hi"', 'text', 'hi'],
    ['a4 efbbbf00', 'text', '\ufeff\u0000'],
    ['c4 01 ff', 'binary', 'ff'],
    ['c5 0001 ff', 'binary', 'ff'],
    ['c6 00000001 ff', 'binary', 'ff'],
    ['d4 01 "1"', 'json', '1'],
    ['d5 01 "[]"', 'json', '[]'],
    ['d6 01 "null"', 'json', 'null'],
    ['d7 01 "12345678"', 'json', '12345678'],
    [`d8 01 '"12345678901234"'`, 'json', '"12345678901234"'],
    ['c7 05 01 " 1.0 "', 'json', ' 1.0 '],
    ['c8 0003 01 "1.0"', 'json', '1.0'],
    ['c9 00000003 01 "1.0"', 'json', '1.0'],
    [`c7 04 01 22c3a922`, 'json', '"é"'],
  ])('%s is %s', (written, kind, content) => {
    expect(payloadOf(written)).toEqual([kind, content]);
  });

  test.each([
    ['nothing', 'c0'],
    ['true', 'c3'],
    ['a number', '01'],
    ['an array', '91 01'],
    ['a map', '81 a1 "a" 01'],
    ['an extension of another type', 'd4 02 "1"'],
    ['an extension of a negative type', 'd4 ff "1"'],
    ['a time, which is an extension', 'd6 ff 00000000'],
    ['text that is not UTF-8', 'a1 ff'],
    ['text that is cut in a character', 'a1 c3'],
    ['text of a surrogate', 'a3 eda080'],
    ['text in an overlong form', 'a2 c080'],
    ['no JSON', 'c7 00 01'],
    ['JSON of white space', 'd4 01 20'],
    ['JSON that is not UTF-8', 'c7 03 01 22ff22'],
    ['JSON of a surrogate', 'c7 05 01 22eda08022'],
    ['JSON with a byte order mark', 'd6 01 efbbbf "1"'],
    ['JSON that does not end', 'd5 01 "[1"'],
    ['two of JSON', 'c7 03 01 "1 2"'],
    ['JSON with NUL behind it', 'd5 01 "1" 00'],
  ])('is not %s', (_what, written) => {
    expect(payloadOf(written)).toBe('bad_payload');
  });

  test('is a view of the frame', () => {
    const frame = writtenBytes('94 04 c0 a1 "a" a2 "hi" 94 04 c0 a1 "a" c4 01 ff 94 04 c0 a1 "a" d4 01 "1"');
    for (const command of msgpackCodec.decode(frame, time))
      expect((command as { publication: Publication }).publication.bytes.buffer).toBe(frame.buffer);
  });
});

describe('a whole number', () => {
  test.each([
    ['cc 07', 7],
    ['cd 0007', 7],
    ['ce 00000007', 7],
    ['cf 0000000000000007', 7],
    ['d0 07', 7],
    ['d1 0007', 7],
    ['d2 00000007', 7],
    ['d3 0000000000000007', 7],
    ['d3 001fffffffffffff', 2 ** 53 - 1],
    ['ca 40e00000', 7],
    ['cb 401c000000000000', 7],
    ['cb 8000000000000000', 0],
    ['cb 4200000000000000', 2 ** 33],
  ])('may come as %s', (written, id) => {
    expect(decodeOne(`92 05 ${written}`)).toEqual({ type: 'ping', id });
  });

  test.each([
    ...['e0', 'd0 ff', 'd1 ffff', 'd2 ffffffff', 'd3 ffffffffffffffff', 'cf ffffffffffffffff'],
    ...['cf 0020000000000000', 'd3 0020000000000001', 'ca 3f000000', 'ca 7fc00000', 'ca 7f800000'],
    ...['cb 7ff8000000000000', 'cb fff0000000000000', 'c2', 'a1 "7"', 'c4 01 07', '91 07', '80', 'd4 01 07'],
  ])('is not %s', (written) => {
    expect(decodeOne(`92 05 ${written}`)).toMatchObject({ error: 'bad_request', id: null });
  });

  test('may be the type, too', () => {
    expect(decodeOne('91 d3 0000000000000006')).toEqual({ type: 'pong' });
    expect(decodeOne('91 cb 4018000000000000')).toEqual({ type: 'pong' });
    expect(decodeOne('91 ff')).toMatchObject({ error: 'bad_request' });
  });
});

describe('a field', () => {
  test('is absent when it is nil or left out', () => {
    const connect = { type: 'connect', id: 1, version: 1, client: null, token: null };
    for (const written of ['93 01 01 01', '94 01 01 01 c0', '95 01 01 01 c0 c0', '96 01 01 01 c0 c0 c0'])
      expect(decodeOne(written)).toEqual(connect);
    expect(decodeOne('92 05 c0')).toEqual({ type: 'ping', id: null });
  });

  test('of a later version is passed by, whatever it is', () => {
    for (const more of ['c0', 'c3', 'ca3fc00000', 'a2 "hi"', 'c4 01 00', 'c7 01 05 00', '82 01 91 01 02 80'])
      expect(decode(`93 05 09 ${more} 92 06 ${more}`)).toEqual([{ type: 'ping', id: 9 }, { type: 'pong' }]);
  });

  test.each(['client', 'token', 'channel', 'channels'])('is not text unless it is UTF-8: %s', (field) => {
    const written = {
      client: '94 01 01 01 a2 c328',
      token: '95 01 01 01 c0 a3 eda080',
      channel: '94 04 01 a1 ff a1 "x"',
      channels: '93 02 01 92 a1 "a" a1 ff',
    }[field];
    expect(decodeOne(written as string)).toMatchObject({ error: 'bad_request', id: 1 });
  });

  test('may have the replacement character in it', () => {
    expect(decodeOne('93 02 01 91 a3 efbfbd')).toMatchObject({ channels: [{ channel: '\ufffd' }] });
  });
});

describe('a frame', () => {
  test.each([
    ['text', '"Hello!"'],
    ['a map', '80'],
    ['nil', 'c0'],
    ['a message and a number', '91 06 06'],
    ['the type that does not exist', 'c1'],
    ['the type that does not exist in a message', '92 06 c1'],
    ['array32 of 2^32 - 1', 'dd ffffffff 06'],
    ['array16 that is too long', 'dc 0002 06'],
    ['array32 in a message', '92 06 dd ffffffff 00'],
    ['map32 in a message', '92 06 df ffffffff 00'],
    ['ext32 in a message', '92 06 c9 ffffffff 01 00'],
    ['str32 in a message', '92 06 db ffffffff 00'],
    ['bin32 in a message', '92 06 c6 ffffffff 00'],
    ['a payload that is longer than the frame', '94 04 c0 a1 "a" c6 00000002 00'],
    ['a record definition, which would be evaluated', 'd4 72 40 91 a1 "a"'],
  ])('is malformed when it is of %s', (_what, written) => {
    expect(() => decode(written)).toThrow(Malformed);
  });

  test('of ten thousand arrays in each other is malformed', () => {
    expect(() => decode(`92 06 ${'91'.repeat(10_000)} c0`)).toThrow(Malformed);
    expect(() => decode(`93 02 01 ${'91'.repeat(10_000)} c0`)).toThrow(Malformed);
    expect(() => decode('81a1'.repeat(10_000))).toThrow(Malformed);
  });

  test('may be a view that is no Buffer', () => {
    const bytes = new Uint8Array([0xff, 0x92, 0x05, 0x07, 0xff]).subarray(1, 4);
    expect(msgpackCodec.decode(bytes, time)).toEqual([{ type: 'ping', id: 7 }]);
  });
});

test('what is encoded is overwritten by the next', () => {
  const first = msgpackCodec.encode({ type: 'ping' }) as Uint8Array;
  const copy = Buffer.from(first);
  msgpackCodec.gap(head, 'bridge');
  expect(Buffer.from(first)).not.toEqual(copy);
  expect(msgpackCodec.encode({ type: 'ping' })).toEqual(copy);
});

test('a batch is MessagePack of the documented structure, whatever is in it', () => {
  class Json {
    readonly text: string;
    constructor(text: string) {
      this.text = text;
    }
  }
  addExtension({
    ...{ Class: Json, type: 1, pack: (json: Json) => Buffer.from(json.text) },
    unpack: (bytes: Buffer) => new Json(bytes.toString()),
  });
  const content = fc.oneof(
    { arbitrary: anyText(40), weight: 3 },
    { arbitrary: anyText(3), weight: 1 },
    { arbitrary: fc.integer({ min: 200, max: 70_000 }).map((size) => 'x'.repeat(size)), weight: 1 },
  );
  const publication = fc.oneof(
    fc.tuple(fc.json(), fc.boolean()).map(([json, asBytes]) => ({
      published: Publication.json(asBytes ? Buffer.from(json) : json, time),
      received: new Json(json) as unknown,
    })),
    fc.tuple(content, fc.boolean()).map(([text, asBytes]) => ({
      published: Publication.text(asBytes ? Buffer.from(text) : text, time),
      received: text as unknown,
    })),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => ({
      published: Publication.binary(bytes, time),
      received: Buffer.from(bytes) as unknown,
    })),
  );
  fc.assert(
    fc.property(fc.array(publication, { minLength: 1, maxLength: 30 }), (list) => {
      const frame = msgpackCodec.batch(
        head,
        list.map(({ published }) => published),
      );
      const [type, number, sequence, batchTime, payloads] = unpack(frame as Uint8Array) as unknown[];
      expect([type, number, sequence, Number(batchTime)]).toEqual([7, 1, 7, time]);
      expect(payloads).toEqual(list.map(({ received }) => received));
    }),
  );
});
