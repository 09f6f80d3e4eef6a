/**
 * Frames that break the protocol, and messages that are too big: the connection ends, nothing of it is received, and the
 * session is told why as far as the runtime knows. RFC 6455, sections 5 and 7.4.1.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame } from '../support/raw-peer.ts';
import { subscribe } from './commands.ts';
import { differences, type Ending } from './differences.ts';
import { type ConnectedRaw, HostProcess } from './host-process.ts';

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start({ maxPayloadBytes });
});
afterAll(() => host.stop());

const maxPayloadBytes = 65_536;

const begun = (bytes: number) => frame(1, 'x'.repeat(bytes), { fin: false });
const continued = (bytes: number) => frame(0, 'x'.repeat(bytes), { fin: false });
const ended = (bytes: number) => frame(0, 'x'.repeat(bytes));

describe('the connection ends for', () => {
  it.each<[string, Buffer, 1002 | 1007 | 1009]>([
    ['the first reserved bit', frame(1, 'x', { rsv: 4 }), 1002],
    ['the second reserved bit', frame(1, 'x', { rsv: 2 }), 1002],
    ['the third reserved bit', frame(1, 'x', { rsv: 1 }), 1002],
    ['a reserved opcode', frame(3, 'x'), 1002],
    ['a reserved opcode of a control frame', frame(11, 'x'), 1002],
    ['a ping of 126 bytes', frame(9, 'x'.repeat(126)), 1002],
    ['a close of 126 bytes', frame(8, Buffer.alloc(126, 3)), 1002],
    ['a fragmented ping', frame(9, 'x', { fin: false }), 1002],
    ['a continuation of nothing', frame(0, 'x'), 1002],
    ['a message inside a message', Buffer.concat([begun(1), frame(1, 'x')]), 1002],
    ['text that is not UTF-8', frame(1, Buffer.from([0xff])), 1007],
    ['text with half a surrogate pair', frame(1, Buffer.from([0xed, 0xa0, 0x80])), 1007],
    [
      'text that stops being UTF-8 in a later fragment',
      Buffer.concat([frame(1, Buffer.from([0xc3]), { fin: false }), frame(0, Buffer.from([0x28]))]),
      1007,
    ],
    ['text beyond twice the limit', frame(1, 'x'.repeat(2 * maxPayloadBytes + 1)), 1009],
    ['binary beyond twice the limit', frame(2, 'x'.repeat(2 * maxPayloadBytes + 1)), 1009],
    [
      'fragments beyond twice the limit',
      Buffer.concat([begun(60_000), continued(60_000), ended(60_000)]),
      1009,
    ],
    ['a declared length of 2^62', Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ])('%s', async (_name, bytes, violation) => {
    const socket = await host.connectRaw();
    socket.peer.send(bytes);
    expect(await endingOf(socket)).toEqual(differences.violation[violation]);
  });

  it.each<[string, Buffer]>([
    ['text', frame(1, 'x'.repeat(maxPayloadBytes + 1))],
    ['binary', frame(2, 'x'.repeat(maxPayloadBytes + 1))],
    ['text of few characters', frame(1, 'ä'.repeat(maxPayloadBytes / 2 + 1))],
    ['fragments', Buffer.concat([begun(maxPayloadBytes), ended(1)])],
    ['twice as much', frame(2, 'x'.repeat(2 * maxPayloadBytes))],
  ])('a message above the limit, with 1009 on every runtime: %s', async (_name, bytes) => {
    const socket = await host.connectRaw();
    socket.peer.send(bytes);
    expect(await endingOf(socket)).toEqual({ peer: 1009, session: 1009 });
  });
});

it('a message of exactly the limit is received, in fragments too', async () => {
  const socket = await host.connectRaw();
  socket.peer.send(
    Buffer.concat([begun(maxPayloadBytes - 1), ended(1), frame(2, Buffer.alloc(maxPayloadBytes))]),
  );
  for (let i = 0; i < 2; i += 1) await host.event('received', socket);
});

it('a message that exceeds the limit before it is finished is bounded', async () => {
  const socket = await host.connectRaw();
  socket.peer.send(Buffer.concat([begun(maxPayloadBytes), continued(1)]));
  if (differences.unfinishedBeyondLimit === 'refused beyond twice the limit')
    socket.peer.send(continued(maxPayloadBytes));
  expect(await endingOf(socket)).toEqual(differences.violation[1009]);
});

it('a frame without a mask ends the connection, or is read as if it had one', async () => {
  const socket = await host.connectRaw();
  if (differences.unmasked === 'refused') {
    socket.peer.send(frame(1, 'text', { mask: false }));
    expect(await endingOf(socket)).toEqual(differences.violation[1002]);
    return;
  }
  // Its first four bytes are the mask; four more are waited for.
  socket.peer.send(Buffer.concat([frame(2, '\0\0\0\0text', { mask: false }), Buffer.from('more')]));
  const { payload } = await host.event('received', socket);
  expect(payload).toEqual({ base64: Buffer.from('textmore').toString('base64') });
});

it('nothing that follows a broken frame is received, and the others notice nothing', async () => {
  const [breaks, stays] = [await host.connectRaw(), await host.connectRaw()];
  await host.turn(subscribe(breaks, 'all'), subscribe(stays, 'all'));
  breaks.peer.send(Buffer.concat([frame(1, 'before'), frame(3, 'x'), frame(1, 'after')]));
  expect((await host.event('received', breaks)).payload).toEqual({ text: 'before' });
  await endingOf(breaks);
  stays.peer.send(frame(1, 'still here'));
  expect((await host.event('received', stays)).payload).toEqual({ text: 'still here' });
});

/** How the connection ended on both sides, with nothing received and `closed` called once. */
async function endingOf(socket: ConnectedRaw): Promise<Ending> {
  const { code: session } = await host.event('closed', socket);
  const last = await socket.peer.frame().catch(() => null);
  await socket.peer.closed;
  await host.turn();
  expect(host.events(socket)).toEqual([]);
  return { peer: last === null ? 1006 : last.payload.readUInt16BE(), session };
}
