/**
 * What clients say who come back, and what they make of the answers: Outcry's own codec, and the documented forms of the
 * others.
 */
import { pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { Publication } from '../../../src/channel/publication.ts';
import { msgpackCodec } from '../../../src/protocol/msgpack-codec.ts';
import type { DialectName } from '../dialects/catalogue.ts';
import { SeenRecordsMemory } from '../seen-records.ts';
import { clientFrame } from '../websocket.ts';
import { resumptionIn } from './catalogue.ts';
import { keyedPublication, keyOf } from './outcry.ts';
import { Progress } from './progress.ts';
import type { Place } from './resumption.ts';

const recordBytes = 100;

function visit(name: DialectName, place: Place | null = null) {
  const resumption = resumptionIn(name, recordBytes);
  const { form } = resumption;
  const progress = new Progress({ form, recordBytes, seen: new SeenRecordsMemory(form, recordBytes) }, 3);
  const seen = {
    progress,
    said: [] as string[],
    opened: 0,
    joined: [] as boolean[],
    places: [] as Place[],
  };
  const { hello, join, listen } = resumption.visit(
    {
      send: (frames) => void seen.said.push(textOf(frames)),
      opened: () => void seen.opened++,
      joined: (goesOn) => void seen.joined.push(goesOn),
      stands: (at) => void seen.places.push(at),
      records: (...where) => progress.records(...where),
      mangled: () => progress.mangled(),
    },
    3,
    place,
  );
  return {
    ...seen,
    seen,
    hello: textOf(hello),
    join: textOf(join),
    record(sequence: number, channel = 3): Buffer {
      const bytes = Buffer.alloc(recordBytes);
      form.write(bytes, { sequence, intendedAt: 1, channel, run: 0 });
      return bytes;
    },
    hear(message: Uint8Array | string) {
      // Nothing may be read outside of a message.
      const bytes = Buffer.concat([Buffer.from('??'), Buffer.from(message as string)]);
      listen(bytes, 2, bytes.length - 2);
    },
  };
}

/** The payload of a short client's frame, as text. */
function textOf(frame: Buffer): string {
  if (frame.length === 0) return '';
  return frame.subarray(((frame[1] as number) & 0x7f) < 126 ? 6 : 8).toString('latin1');
}

const clean = { lost: 0, twice: 0, corrupted: 0 };

describe('how far somebody has come', () => {
  const none = visit('outcry-msgpack');
  const of = (...sequences: number[]) => Buffer.concat(sequences.map((sequence) => none.record(sequence)));
  const having = (bytes: Buffer): Progress => {
    const { progress } = visit('outcry-msgpack');
    progress.records(bytes, 0, bytes.length / recordBytes, recordBytes);
    return progress;
  };

  test.each([
    ['all, in order', of(0, 1, 2, 3, 4, 5), { ...clean }, 6],
    ['a few, in order', of(0, 1), { ...clean, lost: 4 }, 2],
    ['one is left out', of(0, 1, 3, 4, 5), { ...clean, lost: 1 }, 6],
    ['one comes twice', of(0, 1, 1, 2, 3, 4, 5), { ...clean, twice: 1 }, 6],
    ['two change places', of(0, 2, 1, 3, 4, 5), { ...clean, lost: 1, twice: 1 }, 6],
    [
      'one of another channel',
      Buffer.concat([of(0, 1, 2, 3, 4, 5), none.record(6, 4)]),
      { ...clean, corrupted: 1 },
      6,
    ],
  ])('%s', (_what, bytes, faults, next) => {
    const progress = having(bytes);
    progress.ended(6);
    expect(progress.faults).toEqual(faults);
    expect(progress.next).toBe(next);
  });

  test('one flipped bit', () => {
    const bytes = of(0, 1, 2, 3, 4, 5);
    bytes[3 * recordBytes + 50] = (bytes[3 * recordBytes + 50] as number) ^ 1;
    expect(having(bytes).faults.corrupted).toBe(1);
  });
});

describe('Outcry', () => {
  const room = { channel: 'bench-3', number: 7 };
  const encode = (message: Parameters<typeof msgpackCodec.encode>[0]) =>
    msgpackCodec.encode(message) as Uint8Array;
  const joinedAt = (offset: number, more = {}) =>
    encode({
      ...{ type: 'subscribed', id: 2, refused: [] },
      channels: [{ ...room, sequence: 0, degraded: false, position: { epoch: 'e1', offset }, ...more }],
    });

  test('stands behind what it has heard, and says so when it comes back', () => {
    const first = visit('outcry-msgpack');
    expect([first.hello, first.join]).toEqual([
      pack([1, 1, 1]).toString('latin1'),
      pack([2, 2, ['bench-3']]).toString('latin1'),
    ]);
    first.hear(joinedAt(4));
    const publications = [0, 1].map((sequence) => Publication.binary(first.record(sequence), 0));
    const position = { epoch: 'e1', offset: 6 };
    first.hear(msgpackCodec.batch({ ...room, sequence: 9, position }, publications) as Uint8Array);
    expect(first.seen.joined).toEqual([true]);
    expect(first.seen.places).toEqual([
      { epoch: 'e1', offset: 4 },
      { epoch: 'e1', offset: 6 },
    ]);
    expect(first.progress.next).toBe(2);

    const again = visit('outcry-msgpack', { epoch: 'e1', offset: 6 });
    expect(again.join).toBe(pack([2, 2, [['bench-3', ['e1', 6]]]]).toString('latin1'));
    again.hear(joinedAt(9, { recovered: true }));
    expect(again.seen.joined).toEqual([true]);
  });

  test('is told that it cannot go on', () => {
    const again = visit('outcry-msgpack', { epoch: 'e0', offset: 6 });
    again.hear(joinedAt(9, { recovered: false, reason: 'epoch_changed' }));
    expect(again.seen.joined).toEqual([false]);
  });

  test('finds values with keys, which it publishes by them', () => {
    const it = visit('outcry-msgpack');
    const values = Array.from({ length: 40 }, (_, sequence) =>
      Publication.binary(it.record(sequence), 0).withKey(keyOf(sequence)),
    );
    it.hear(msgpackCodec.batch({ ...room, sequence: 0, position: null }, values) as Uint8Array);
    expect(it.progress.next).toBe(40);
    expect(it.progress.faults).toEqual(clean);
    expect(keyedPublication(it.record(5), 3, keyOf(5))).toEqual(
      clientFrame(2, pack([4, null, 'bench-3', it.record(5), null, 'key-0000005'])),
    );
  });
});

describe('Socket.IO', () => {
  const event = (record: Buffer, offset: string) => `42["m","${record.toString('latin1')}","${offset}"]`;

  test('stands behind the last event, and says so when it comes back', () => {
    const first = visit('socket-io');
    expect(first.hello).toBe('40');
    first.hear('40{"sid":"s","pid":"p1"}');
    expect(first.said).toEqual(['420["subscribe",["bench-3"]]']);
    first.hear('430[]');
    first.hear(event(first.record(0), 'abc'));
    expect(first.seen.joined).toEqual([true]);
    expect(first.seen.places).toEqual([{ pid: 'p1', offset: 'abc' }]);

    const again = visit('socket-io', { pid: 'p1', offset: 'abc' });
    expect(again.hello).toBe('40{"pid":"p1","offset":"abc"}');
    // The server sends what was missed first.
    again.hear(event(again.record(0), 'abd'));
    again.hear('40{"sid":"s","pid":"p1"}');
    expect(again.seen.joined).toEqual([true]);
    expect(again.progress.next).toBe(1);
  });

  test('is somebody else if nothing was kept for him', () => {
    const again = visit('socket-io', { pid: 'p1', offset: 'abc' });
    again.hear('40{"sid":"s","pid":"p2"}');
    expect(again.seen.joined).toEqual([false]);
  });
});

describe('Centrifuge', () => {
  const field = (number: number, ...values: Buffer[]) => {
    const value = Buffer.concat(values);
    const size = value.length < 128 ? [value.length] : [(value.length & 0x7f) | 0x80, value.length >> 7];
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), value]);
  };
  const varint = (number: number, value: number) => Buffer.from([number << 3, value]);
  const delimited = (message: Buffer) => field(0, message).subarray(1);
  const publication = (record: Buffer, offset: number) =>
    Buffer.concat([field(4, record), varint(6, offset)]);

  test('stands behind what it has heard, and says so when it comes back', () => {
    const first = visit('centrifuge');
    expect([first.hello, first.join]).toEqual([
      '\x04\x08\x01\x22\x00',
      '\x0d\x08\x02\x2a\x09\x0a\x07bench-3',
    ]);
    first.hear(delimited(Buffer.concat([varint(1, 1), field(5)])));
    first.hear(
      delimited(Buffer.concat([varint(1, 2), field(6, field(6, Buffer.from('xyz')), varint(9, 4))])),
    );
    first.hear(
      delimited(field(4, field(2, Buffer.from('bench-3')), field(4, publication(first.record(0), 5)))),
    );
    first.hear(Buffer.from([0]));
    expect(first.seen).toMatchObject({ opened: 1, joined: [true], said: ['\0'] });
    expect(first.seen.places).toEqual([
      { epoch: 'xyz', offset: 4 },
      { epoch: 'xyz', offset: 5 },
    ]);

    const again = visit('centrifuge', { epoch: 'xyz', offset: 5 });
    expect(again.join).toBe('\x16\x08\x02\x2a\x12\x0a\x07bench-3\x18\x01\x32\x03xyz\x38\x05');
    const missed = [0, 1].map((sequence) => field(7, publication(again.record(sequence), 6 + sequence)));
    again.hear(delimited(Buffer.concat([varint(1, 2), field(6, ...missed, varint(8, 1), varint(9, 7))])));
    expect(again.seen.joined).toEqual([true]);
    expect(again.progress.next).toBe(2);
    expect(again.progress.faults).toEqual(clean);
  });

  test('is told that it cannot go on', () => {
    const again = visit('centrifuge', { epoch: 'old', offset: 5 });
    again.hear(delimited(Buffer.concat([varint(1, 2), field(6, field(6, Buffer.from('xyz')))])));
    expect(again.seen.joined).toEqual([false]);
  });
});
