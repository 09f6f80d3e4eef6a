/**
 * Dialects against the bytes of those who speak them: Outcry's own codecs, and the documented forms of the others.
 */
import { describe, expect, test } from 'vitest';
import { Publication } from '../../../src/channel/publication.ts';
import type { Position } from '../../../src/channel/position.ts';
import type { Codec } from '../../../src/protocol/codec.ts';
import { jsonCodec } from '../../../src/protocol/json-codec.ts';
import type { GapReason } from '../../../src/protocol/messages.ts';
import { msgpackCodec } from '../../../src/protocol/msgpack-codec.ts';
import type { Dialect, Listener, Memory } from '../dialect.ts';
import { FrameReader } from '../frame-reader.ts';
import { dialects, type DialectName } from './catalogue.ts';

const recordBytes = 100;

interface Talk {
  dialect: Dialect;
  /** A record of that sequence. */
  record(sequence: number): Buffer;
  hear: (message: Buffer | string) => void;
  /** Sequences of the records that were found. */
  heard: number[];
  /** What was sent, as text. */
  said: string[];
  joined: () => boolean;
  mangled: () => number;
}

function talk(name: DialectName, channels: readonly number[]): Talk {
  const dialect = dialects[name](recordBytes);
  const heard: number[] = [];
  const said: string[] = [];
  let joined = 0;
  let mangled = 0;
  const listener: Listener = dialect.converse(
    { send: (frames) => void said.push(payloadOf(frames).toString('latin1')), joined: () => void joined++ },
    channels,
    {
      records(bytes, offset, count, stride) {
        const header = { sequence: 0, intendedAt: 0, channel: 0, run: 0 };
        for (let i = 0; i < count; i += 1) {
          const whole = dialect.form.read(bytes, offset + i * stride, header);
          heard.push(whole ? header.sequence : -1);
        }
      },
      mangled: () => void mangled++,
    },
  );
  return {
    dialect,
    record(sequence) {
      const bytes = Buffer.alloc(recordBytes);
      dialect.form.write(bytes, { sequence, intendedAt: 1, channel: 0, run: 0 });
      return bytes;
    },
    hear(message) {
      const bytes = Buffer.concat([Buffer.from('??'), Buffer.from(message), Buffer.from('??')]);
      listener(bytes, 2, bytes.length - 4);
    },
    heard,
    said,
    joined: () => joined === 1,
    mangled: () => mangled,
  };
}

/** Takes a client's frame apart. */
function payloadOf(frame: Buffer): Buffer {
  // The frame reader expects a server's, without a mask: what the mask of zeros takes is cut out.
  const short = ((frame[1] as number) & 0x7f) < 126;
  const maskAt = short ? 2 : 4;
  const unmasked = Buffer.concat([frame.subarray(0, maskAt), frame.subarray(maskAt + 4)]);
  unmasked[1] = (frame[1] as number) & 0x7f;
  let payload = Buffer.alloc(0);
  new FrameReader().push(unmasked, {
    message(bytes, offset, size) {
      payload = Buffer.from(bytes.subarray(offset, offset + size));
    },
    control() {},
  });
  return payload;
}

const limits = { maxPayloadBytes: 65_536, maxSubscriptions: 1_000 };
const connected = {
  type: 'connected',
  id: 1,
  node: 'left',
  boot: 'b',
  connection: 'b-1',
  time: 1.76e12,
  pingIntervalMs: 26_667,
  limits,
} as const;
const subscribed = {
  type: 'subscribed',
  id: 2,
  channels: [{ channel: 'bench-0', number: 1, sequence: 0, degraded: false }],
  refused: [],
} as const;

describe.each<[DialectName, Codec]>([
  ['outcry-json', jsonCodec],
  ['outcry-json-quotes', jsonCodec],
  ['outcry-json-deflated', jsonCodec],
  ['outcry-msgpack', msgpackCodec],
])('%s', (name, codec) => {
  const head = { channel: 'bench-0', number: 300, sequence: 70_000, position: null };

  function publicationsOf({ dialect, record }: Talk, count: number): Publication[] {
    return Array.from({ length: count }, (_, i) => {
      const [command] = codec.decode(asFrame(payloadOf(dialect.publication(record(i), 0))), 1.76e12);
      if (command?.type !== 'publish') throw new Error('not a publication');
      expect(command.channel).toBe('bench-0');
      return command.publication.keep();
    });
  }

  function asFrame(payload: Buffer): string | Buffer {
    return name.startsWith('outcry-json') ? payload.toString() : payload;
  }

  test.each([1, 3, 20, 700])('finds %i records in a batch', (count) => {
    const it = talk(name, [0]);
    it.hear(Buffer.from(codec.batch(head, publicationsOf(it, count))));
    expect(it.heard).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(it.mangled()).toBe(0);
  });

  test('joins when the node says so', () => {
    const it = talk(name, [0]);
    const [hello] = it.said;
    const commands = codec.decode(asFrame(Buffer.from(hello as string, 'latin1')), 0);
    expect(commands.map(({ type }) => type)).toEqual(['connect', 'subscribe']);
    it.hear(Buffer.from(codec.encode(connected)));
    expect(it.joined()).toBe(false);
    it.hear(Buffer.from(codec.encode(subscribed)));
    expect(it.joined()).toBe(true);
  });

  test('a publisher only connects', () => {
    const it = talk(name, []);
    it.hear(Buffer.from(codec.encode(connected)));
    expect(it.joined()).toBe(true);
  });

  test('answers pings, and overlooks marks', () => {
    const it = talk(name, [0]);
    it.hear(Buffer.from(codec.encode({ type: 'ping' })));
    const [pong] = codec.decode(asFrame(Buffer.from(it.said[1] as string, 'latin1')), 0);
    expect(pong?.type).toBe('pong');
    it.hear(Buffer.from(codec.batch(head, [])));
    expect(it.heard).toEqual([]);
    expect(it.mangled()).toBe(0);
  });

  test('a gap counts as damage', () => {
    const it = talk(name, [0]);
    it.hear(Buffer.from(codec.gap(head, 'bridge')));
    expect(it.mangled()).toBe(1);
  });
});

describe('socket-io', () => {
  test('connects, subscribes and waits for the acknowledgement', () => {
    const it = talk('socket-io', [0, 7]);
    it.hear('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}');
    it.hear('40{"sid":"b"}');
    expect(it.said).toEqual(['40', '420["subscribe",["bench-0","bench-7"]]']);
    expect(it.joined()).toBe(false);
    it.hear('430[]');
    expect(it.joined()).toBe(true);
  });

  test('finds the record of an event, and answers pings', () => {
    const it = talk('socket-io', [0]);
    it.hear(`42["m","${it.record(9).toString('latin1')}"]`);
    expect(it.heard).toEqual([9]);
    it.hear('2');
    expect(it.said.at(-1)).toBe('3');
    it.hear('42["m","short"]');
    expect(it.mangled()).toBe(1);
  });
});

describe('nats', () => {
  test('connects, subscribes and waits for the pong', () => {
    const it = talk('nats', [0, 7]);
    expect(it.said[0]).toMatch(/^CONNECT \{.*\}\r\nSUB bench-0 1\r\nSUB bench-7 8\r\nPING\r\n$/);
    it.hear('INFO {"server_id":"x"}\r\n');
    expect(it.joined()).toBe(false);
    it.hear('PONG\r\n');
    expect(it.joined()).toBe(true);
  });

  test('finds records wherever messages are cut', () => {
    const stream = (it: Talk) =>
      Buffer.concat(
        [0, 1, 2].flatMap((sequence) => [
          Buffer.from('MSG bench-0 1 100\r\n'),
          it.record(sequence),
          Buffer.from('\r\nPING\r\n'),
        ]),
      );
    for (let cut = 1; cut < 370; cut += 1) {
      const it = talk('nats', [0]);
      const bytes = stream(it);
      it.hear(bytes.subarray(0, cut));
      it.hear(bytes.subarray(cut));
      expect(it.heard, `cut at ${cut}`).toEqual([0, 1, 2]);
      expect(it.said.slice(1)).toEqual(['PONG\r\n', 'PONG\r\n', 'PONG\r\n']);
    }
  });
});

describe('centrifuge', () => {
  /** A field with a length, as in `Reply` of its `client.proto`; shorter than 128 bytes. */
  const field = (number: number, ...values: Buffer[]) => {
    const value = Buffer.concat(values);
    return Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value]);
  };
  const delimited = (...values: Buffer[]) => {
    const message = Buffer.concat(values);
    const size =
      message.length < 128 ? [message.length] : [(message.length & 0x7f) | 0x80, message.length >> 7];
    return Buffer.concat([Buffer.from(size), message]);
  };
  const push = (channel: string, record: Buffer, ...more: Buffer[]) =>
    delimited(field(4, field(2, Buffer.from(channel)), field(4, field(4, record), ...more)));
  const answer = (id: number, what: number, ...values: Buffer[]) =>
    delimited(Buffer.from([8, id]), field(what, ...values));
  const connected = answer(1, 5, field(1, Buffer.from('a client')));
  const ping = Buffer.from([0]);

  test('connects, subscribes and waits for the last answer', () => {
    const it = talk('centrifuge', [0, 7]);
    const hello = [
      '\x04\x08\x01\x22\x00',
      '\x0d\x08\x02\x2a\x09\x0a\x07bench-0',
      '\x0d\x08\x03\x2a\x09\x0a\x07bench-7',
    ];
    expect(it.said).toEqual([hello.join('')]);
    it.hear(Buffer.concat([connected, answer(2, 6)]));
    expect(it.joined()).toBe(false);
    it.hear(answer(3, 6));
    expect(it.joined()).toBe(true);
    expect(it.mangled()).toBe(0);
  });

  test('a publisher only connects, and publishes by name', () => {
    const it = talk('centrifuge', []);
    it.hear(connected);
    it.hear(answer(2, 8));
    expect(it.joined()).toBe(true);
    const record = it.record(1);
    expect(payloadOf(it.dialect.publication(record, 7)).toString('latin1')).toBe(
      `\x73\x08\x02\x3a\x6f\x0a\x07bench-7\x12\x64${record.toString('latin1')}`,
    );
  });

  test('finds the records of all replies in a message, and answers the pings between them', () => {
    const it = talk('centrifuge', [0, 12]);
    const { record } = it;
    it.hear(push('bench-0', record(0)));
    it.hear(
      Buffer.concat([
        ...[1, 2, 3].map((sequence) => push('bench-0', record(sequence))),
        ...[push('bench-12', record(4)), push('bench-34', record(5)), ping, push('bench-0', record(6))],
      ]),
    );
    expect(it.heard).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(it.said.slice(1)).toEqual(['\0']);
    expect(it.mangled()).toBe(0);
  });

  test.each<[string, (record: Buffer) => Buffer]>([
    ['an error', () => answer(2, 2, Buffer.from([8, 103]))],
    ['the end of a subscription', () => delimited(field(4, field(2, Buffer.from('bench-0')), field(7)))],
    ['a record that is too short', (record) => push('bench-0', record.subarray(1))],
    ['a record that is not at the end', (record) => push('bench-0', record, field(5))],
    ['a reply that is cut', (record) => push('bench-0', record).subarray(0, -1)],
  ])('%s counts as damage', (_what, message) => {
    const it = talk('centrifuge', [0]);
    it.hear(message(it.record(0)));
    expect(it.heard).toEqual([]);
    expect(it.mangled()).toBe(1);
    expect(it.joined()).toBe(false);
  });
});

test('raw finds records side by side, and what is no whole number of them', () => {
  const it = talk('raw', [0]);
  expect(it.joined()).toBe(true);
  it.hear(Buffer.concat([it.record(4), it.record(5)]));
  it.hear(it.record(6).subarray(1));
  expect(it.heard).toEqual([4, 5]);
  expect(it.mangled()).toBe(1);
});

test('listed names its channels in the address', () => {
  expect(dialects.listed(recordBytes).path?.('/', [3, 5])).toBe('/?channels=3,5');
});

describe('outcry-history', () => {
  const room = { channel: 'bench-0', number: 7 };
  const encode = (message: Parameters<typeof msgpackCodec.encode>[0]) =>
    Buffer.from(msgpackCodec.encode(message) as Uint8Array);
  const subscribed = (offset: number, more = {}) =>
    encode({
      ...{ type: 'subscribed', id: 2, refused: [] },
      channels: [{ ...room, sequence: 0, degraded: false, position: { epoch: 'e', offset }, ...more }],
    });

  const gap = (...how: [GapReason, Position]) =>
    Buffer.from(msgpackCodec.gap({ ...room, sequence: 0, position: how[1] }, how[0]) as Uint8Array);

  function listen(memory: Memory, channels: readonly number[] = [0]) {
    const dialect = dialects['outcry-history'](recordBytes);
    const said: string[] = [];
    const seen = { joined: 0, gaps: 0, recovered: 0, records: 0, answers: [] as unknown[] };
    const listener = dialect.converse(
      { send: (frames) => void said.push(payloadOf(frames).toString('latin1')), joined: () => seen.joined++ },
      channels,
      {
        records(_bytes, _offset, count) {
          seen.records += count;
        },
        mangled() {},
        gap: () => void seen.gaps++,
        recovered: () => void seen.recovered++,
        answered: (id, taken) => void seen.answers.push([id, taken]),
      },
      memory,
    );
    return { dialect, said, seen, hear: (bytes: Buffer) => listener(bytes, 0, bytes.length) };
  }

  test('remembers where it stands and asks for what it has missed', () => {
    const memory: Memory = {};
    const first = listen(memory);
    expect(first.said.at(-1)).toBe('\x93\x02\x02\x91\xa7bench-0');
    first.hear(subscribed(4));
    const batch = msgpackCodec.batch({ ...room, sequence: 1, position: { epoch: 'e', offset: 300 } }, [
      Publication.binary(Buffer.alloc(recordBytes), 0),
    ]);
    first.hear(Buffer.from(batch as Uint8Array));
    expect(memory.place).toEqual({ epoch: 'e', offset: 300 });
    expect(first.seen).toMatchObject({ joined: 1, gaps: 0, recovered: 0, records: 1 });

    const again = listen(memory);
    expect(again.said.at(-1)).toBe('\x93\x02\x02\x91\x92\xa7bench-0\x92\xa1e\xcd\x01\x2c');
    again.hear(subscribed(301, { recovered: true }));
    expect(again.seen).toMatchObject({ joined: 1, gaps: 0, recovered: 1 });
  });

  test('a gap, and what cannot be recovered, are told; what has healed is none', () => {
    const memory: Memory = { place: { epoch: 'e', offset: 3 } };
    const it = listen(memory);
    it.hear(subscribed(301, { recovered: false, reason: 'not_kept' }));
    expect(it.seen).toMatchObject({ joined: 1, gaps: 1, recovered: 0 });
    it.hear(gap('healed', { epoch: 'e', offset: 302 }));
    expect(it.seen.gaps).toBe(1);
    it.hear(gap('epoch_changed', { epoch: 'f', offset: 1 }));
    expect(it.seen.gaps).toBe(2);
    expect(memory.place).toEqual({ epoch: 'f', offset: 1 });
  });

  test('a publisher hears what became of each', () => {
    const it = listen({}, []);
    const frame = it.dialect.confirmedPublication?.(Buffer.alloc(recordBytes), 0, 5, 'k') as Buffer;
    expect(payloadOf(frame).subarray(0, 11).toString('latin1')).toBe('\x95\x04\x05\xa7bench-0');
    it.hear(encode({ type: 'published', id: 5, degraded: false }));
    it.hear(encode({ type: 'error', id: 6, error: 'unavailable', message: 'not now' }));
    expect(it.seen.answers).toEqual([
      [5, true],
      [6, false],
    ]);
  });
});
