import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Publication } from '../channel/publication.ts';
import type { ErrorName } from './error-codes.ts';
import { jsonCodec } from './json-codec.ts';
import { Malformed } from './malformed.ts';
import type { Command } from './messages.ts';

const time = 1_764_000_000_000;

function decodeOne(frame: string): Command {
  const commands = jsonCodec.decode(frame, time);
  expect(commands).toHaveLength(1);
  return commands[0] as Command;
}

/** The kind and content of a publication, or the error that it is answered with. */
function payloadOf(members: string): [kind: string, content: string] | ErrorName {
  const command = decodeOne(`{"type":"publish","channel":"a",${members}}`);
  if (command.type === 'mistake') return command.error;
  if (command.type !== 'publish') throw new Error(command.type);
  const { kind, bytes, text } = command.publication;
  return [kind, kind === 'binary' ? Buffer.from(bytes).toString('hex') : text];
}

describe('a JSON payload', () => {
  test.each([
    ...['1.0', '1e999', '-0', '"\\u0041"', '"\\/"', '{ "a" : 1 , "a" : 2 }', '[\n\t1\r\n]', 'null', '""'],
    ...['"\\ud800"', '{"__proto__":{"a":1}}', '"\u2028"', '12345678901234567890.10'],
  ])('stays as it is: %s', (json) => {
    expect(payloadOf(`"json":${json}`)).toEqual(['json', json]);
    expect(payloadOf(`"json" : \n${json}\t `)).toEqual(['json', json]);
  });

  test('has the same characters when it goes out, whatever stood around it', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 5 }),
        fc.constantFrom(0, 1, '\t', '\n '),
        fc.constantFrom('', ' ', '\n'),
        (value, indent, space) => {
          const json = JSON.stringify(value, null, indent);
          const command = decodeOne(
            `{"type":"publish",${space}"json"${space}:${space}${json}${space},"channel":"a"}`,
          );
          const { publication } = command as { publication: Publication };
          expect(publication.content).toBe(json);
          const frame = jsonCodec.batch({ channel: 'a', number: 1, sequence: 1, position: null }, [
            publication,
          ]) as string;
          expect(frame.endsWith(`"publications":[{"json":${json}}]}`)).toBe(true);
        },
      ),
    );
  });
});

describe('text', () => {
  test.each([
    ['"a\\u0000\\"\\\\\\/\\n"', 'a\u0000"\\/\n'],
    ['"\\ud83d\\ude42"', '🙂'],
    ['"🙂\u007f"', '🙂\u007f'],
    ['"\ufeff"', '\ufeff'],
  ])('%s is %j', (json, text) => {
    expect(payloadOf(`"text":${json}`)).toEqual(['text', text]);
  });

  test.each(['"\\ud800"', '"\\udc00x"', '"\\ude42\\ud83d"', '1', 'null', 'true', '["a"]', '{}'])(
    'is not %s',
    (json) => {
      expect(payloadOf(`"text":${json}`)).toBe('bad_payload');
    },
  );
});

describe('binary', () => {
  test.each([
    ['', ''],
    ['AA==', '00'],
    ['AAA=', '0000'],
    ['AAAA', '000000'],
    ['+/+/', 'fbffbf'],
  ])('%j is %s', (base64, hex) => {
    expect(payloadOf(`"binary":"${base64}"`)).toEqual(['binary', hex]);
  });

  test.each([
    ...['A', 'AA', 'AAA', 'AA=', 'AA===', '=', '====', 'AAAA=', 'AAAA==', 'AA==AA==', 'A=A=', '=AAA'],
    // Bits that are not used must be 0, or the same bytes would have many forms.
    ...['AB==', 'AAB=', '-_-_', 'AA AA', ' AAAA', 'AAAA\\n', 'AA==\\n', 'é', 'AA*A', '\\u0000', 'data:,AAAA'],
  ])('is not %j', (base64) => {
    expect(payloadOf(`"binary":"${base64}"`)).toBe('bad_payload');
  });

  test.each(['1', 'null', '[0]', '{}'])('is not %s', (json) => {
    expect(payloadOf(`"binary":${json}`)).toBe('bad_payload');
  });

  test('is base64 of anything, which comes out as it went in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const base64 = Buffer.from(bytes).toString('base64');
        expect(payloadOf(`"binary":"${base64}"`)).toEqual(['binary', Buffer.from(bytes).toString('hex')]);
        const frame = jsonCodec.batch({ channel: 'a', number: 1, sequence: 1, position: null }, [
          Publication.binary(bytes, time),
        ]) as string;
        expect(frame.endsWith(`[{"binary":"${base64}"}]}`)).toBe(true);
      }),
    );
  });
});

describe('a publication', () => {
  test.each([
    ...['"text":"a","json":1', '"json":null,"binary":""', '"binary":"","text":""'],
    ...['"json":1,"text":"","binary":""', '"other":1', '"Json":1', '"payload":"x"'],
  ])('has one payload and no other: %s', (members) => {
    expect(payloadOf(members)).toBe('bad_payload');
  });
});

describe('a key that is repeated', () => {
  test('counts where it stands last', () => {
    expect(decodeOne('{"type":"pong","id":"x","type":"ping","id":1,"id":2}')).toEqual({
      type: 'ping',
      id: 2,
    });
    expect(payloadOf('"json":1,"json":2')).toEqual(['json', '2']);
    expect(payloadOf('"text":"a","text":1')).toBe('bad_payload');
    expect(
      decodeOne('{"type":"subscribe","id":1,"channels":[1],"channels":[{"channel":1,"channel":"a"}]}'),
    ).toMatchObject({ type: 'subscribe', id: 1, channels: [{ channel: 'a' }] });
  });

  test('is the same with escapes in it', () => {
    expect(decodeOne('{"type":"pong","t\\u0079pe":"ping"}')).toEqual({ type: 'ping', id: null });
    expect(decodeOne('{"type":"pi\\u006eg"}')).toEqual({ type: 'ping', id: null });
    expect(payloadOf('"\\u006ason":1')).toEqual(['json', '1']);
  });
});

describe('a whole number', () => {
  test.each([
    ['1.0', 1],
    ['1e2', 100],
    ['-0', 0],
    ['0.1e1', 1],
  ])('may be written as %s', (json, id) => {
    expect(decodeOne(`{"type":"ping","id":${json}}`)).toEqual({ type: 'ping', id });
  });

  test.each(['0.5', '-1', '1e999', '1e16', 'null', '"1"', '[1]', '{}', 'true', `1${'0'.repeat(400)}`])(
    'is not %s',
    (json) => {
      expect(decodeOne(`{"type":"ping","id":${json}}`)).toMatchObject({ error: 'bad_request', id: null });
    },
  );
});

describe('null', () => {
  test.each(['"client":null', '"token":null'])('is a value, not an absent field: %s', (member) => {
    expect(decodeOne(`{"type":"connect","id":1,"version":1,${member}}`)).toMatchObject({
      error: 'bad_request',
      id: 1,
    });
  });
});

describe('a lone surrogate', () => {
  test('in the name of a channel is left to the rule for names', () => {
    expect(decodeOne('{"type":"subscribe","id":1,"channels":["\\ud800","a"]}')).toMatchObject({
      type: 'subscribe',
      id: 1,
      channels: [{ channel: '\ud800' }, { channel: 'a' }],
    });
    expect(decodeOne('{"type":"publish","channel":"\\udc00","text":""}')).toMatchObject({
      channel: '\udc00',
    });
  });

  test.each(['client', 'token'])('is no text for the %s', (field) => {
    expect(decodeOne(`{"type":"connect","id":1,"version":1,"${field}":"\\ud800"}`)).toMatchObject({
      error: 'bad_request',
    });
  });

  test('that is not escaped is malformed: no UTF-8 becomes it', () => {
    expect(() => jsonCodec.decode('{"type":"publish","channel":"a","json":"\ud800"}', time)).toThrow(
      Malformed,
    );
  });
});

describe('messages in a frame', () => {
  test.each(['\n', '\r\n', '\n\n', ' ', '\t', ''])('may have %j around them', (space) => {
    const message = '{"type":"pong"}';
    const frame = [space, message, space, message, space].join('');
    expect(jsonCodec.decode(frame, time)).toEqual([{ type: 'pong' }, { type: 'pong' }]);
  });

  test.each([
    ...['null', '1', '"ping"', '[]', '[{"type":"ping"}]', '{"type":"ping"},{"type":"ping"}', 'Hello!'],
    ...[
      '\ufeff{"type":"ping"}',
      '{"type":"ping"}\u0000',
      '\u00a0{"type":"ping"}',
      "{'type':'ping'}",
      '{"type":ping}',
    ],
    ...[
      '{"type":"ping"}}',
      '{"type":"ping",}',
      '{type:"ping"}',
      '{"a":1e}',
      '{"a":"\u0001"}',
      '{"type":"ping"}x',
    ],
  ])('are objects, or the frame is malformed: %s', (frame) => {
    expect(() => jsonCodec.decode(frame, time)).toThrow(Malformed);
  });
});

test('a publication bears the time that was given', () => {
  expect(decodeOne('{"type":"publish","channel":"a","text":""}')).toMatchObject({ publication: { time } });
});

test('a batch is JSON of the documented structure, whatever is in it', () => {
  const publication = fc.oneof(
    fc
      .json()
      .map((json) => ({ published: Publication.json(json, time), received: { json: JSON.parse(json) } })),
    fc
      .string({ unit: 'binary' })
      .filter((text) => text.isWellFormed())
      .map((text) => ({ published: Publication.text(text, time), received: { text } })),
    fc.uint8Array().map((bytes) => ({
      published: Publication.binary(bytes, time),
      received: { binary: Buffer.from(bytes).toString('base64') },
    })),
  );
  fc.assert(
    fc.property(fc.string(), fc.array(publication, { minLength: 1 }), (channel, list) => {
      const frame = jsonCodec.batch(
        { channel, number: 1, sequence: 7, position: null },
        list.map(({ published }) => published),
      );
      expect(JSON.parse(frame as string)).toEqual({
        ...{ type: 'batch', channel, sequence: 7, time },
        publications: list.map(({ received }) => received),
      });
    }),
  );
});
