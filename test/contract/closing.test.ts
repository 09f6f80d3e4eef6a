/**
 * The end of a connection: who is told which code, that it happens once, and that nothing happens after it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame } from '../support/raw-peer.ts';
import {
  bufferedBytes,
  close,
  during,
  type Named,
  ping,
  publish,
  send,
  subscribe,
  terminate,
  unsubscribe,
} from './commands.ts';
import { differences } from './differences.ts';
import { HostProcess } from './host-process.ts';

/** Two bytes of code and the reason. */
function closeFrame(code: number, reason: string | Buffer = ''): Buffer {
  return frame(8, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
}

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start();
});
afterAll(() => host.stop());

describe('a close by us', () => {
  it.each([
    ['no reason', '', ''],
    ['a reason', 'enough', 'enough'],
    ['123 bytes', 'x'.repeat(123), 'x'.repeat(123)],
    ['124 bytes, cut', 'x'.repeat(124), 'x'.repeat(123)],
    ['a character that ends at byte 123', `x${'ä'.repeat(61)}y`, `x${'ä'.repeat(61)}`],
    ['a character across byte 123, left out', 'ä'.repeat(62), 'ä'.repeat(61)],
    ['four bytes across byte 123, left out', `${'x'.repeat(121)}😀`, 'x'.repeat(121)],
  ])('gives the peer its code and reason: %s', async (_name, reason, expected) => {
    const socket = await host.connect();
    await host.turn(close(socket, 4_321, reason));
    expect(await socket.client.closed).toEqual({ code: 4_321, reason: expected });
  });

  it('is told to the session once', async () => {
    const socket = await host.connect();
    await host.turn(close(socket, 1_001));
    await socket.client.closed;
    await host.turn();
    expect(host.events(socket)).toEqual([{ event: 'closed', socket: socket.name, code: 1_001 }]);
  });

  it('inside a handler ends it there: nothing more is received', async () => {
    const socket = await host.connectRaw();
    await host.turn(during(socket, 'received', close(socket, 1_008)));
    socket.peer.send(Buffer.concat([frame(1, 'first'), frame(1, 'second'), frame(9, 'third')]));
    expect((await socket.peer.frame()).payload.readUInt16BE()).toBe(1_008);
    await socket.peer.closed;
    await host.turn();
    expect(host.events(socket).map(({ event }) => event)).toEqual(['received', 'closed', 'ran']);
  });

  it('inside opened is a close like any other', async () => {
    const name = host.newName();
    await host.turn(during({ name }, 'opened', send({ name }, 'sorry'), close({ name }, 1_008)));
    const { client } = await host.connect({ name });
    expect(await client.closed).toMatchObject({ code: 1_008 });
    expect(await client.text()).toBe('sorry');
  });
});

describe('terminating', () => {
  it('ends the connection without a close frame, which the session is told once', async () => {
    const socket = await host.connectRaw();
    await host.turn(terminate(socket));
    expect(host.events(socket)).toEqual([{ event: 'closed', socket: socket.name, code: 1_006 }]);
    await socket.peer.closed;
    expect(socket.peer.received).toEqual(Buffer.alloc(0));
  });
});

describe('a close by the peer', () => {
  it.each([1_000, 1_001, 1_011, 4_000, 4_999])('with %i is told and answered', async (code) => {
    const socket = await host.connectRaw();
    socket.peer.send(closeFrame(code, 'ä'.repeat(61)));
    expect((await host.event('closed', socket)).code).toBe(code);
    expect((await socket.peer.frame()).payload.readUInt16BE()).toBe(code);
    await socket.peer.closed;
  });

  it('without a code is told as 1005', async () => {
    const socket = await host.connect();
    socket.client.socket.close();
    expect((await host.event('closed', socket)).code).toBe(1_005);
    expect((await socket.client.closed).code).toBe(1_005);
  });

  it.each([1_012, 1_013, 1_014, 3_000, 3_999])(
    'with %i is told where the runtime allows it',
    async (code) => {
      const socket = await host.connectRaw();
      socket.peer.send(closeFrame(code));
      const { refusedCloseCodes, badCloseCode } = differences;
      const allowed = { peer: code, session: code };
      expect(await endingOf(socket)).toEqual(refusedCloseCodes.includes(code) ? badCloseCode : allowed);
    },
  );

  it.each([0, 999, 1_004, 1_005, 1_006, 1_015, 1_016, 2_999, 5_000])(
    'with %i, which no frame may carry, breaks the protocol',
    async (code) => {
      const socket = await host.connectRaw();
      socket.peer.send(closeFrame(code));
      expect(await endingOf(socket)).toEqual(differences.badCloseCode);
    },
  );

  it('with half a code breaks the protocol', async () => {
    const socket = await host.connectRaw();
    socket.peer.send(frame(8, 'x'));
    expect(await endingOf(socket)).toEqual(differences.halfCloseCode);
  });

  it('ends what it says: frames behind it are not received', async () => {
    const socket = await host.connectRaw();
    socket.peer.send(Buffer.concat([closeFrame(1_000), frame(1, 'too late'), frame(9)]));
    await socket.peer.closed;
    await host.turn();
    expect(host.events(socket).map(({ event }) => event)).toEqual(['closed']);
  });

  const endingOf = async (socket: Awaited<ReturnType<typeof host.connectRaw>>) => {
    const { code: session } = await host.event('closed', socket);
    const { opcode, payload } = await socket.peer.frame();
    expect(opcode).toBe(8);
    await socket.peer.closed;
    return { peer: payload.length === 0 ? 1_005 : payload.readUInt16BE(), session };
  };
});

it.each([
  ['a reset', 'resetAndDestroy'],
  ['an end of the stream', 'end'],
] as const)('%s is told as 1006', async (_name, how) => {
  const socket = await host.connectRaw();
  socket.peer.socket[how]();
  expect((await host.event('closed', socket)).code).toBe(1_006);
});

it.each([
  ['closed', (socket: Named) => close(socket, 1_001)],
  ['terminated', terminate],
] as const)('the session of a socket that is %s is told before the call returns', async (_name, end) => {
  const [socket, other] = [await host.connect(), await host.connect()];
  await host.turn(during(socket, 'closed', send(other, 'told')), end(socket), send(other, 'returned'));
  expect([await other.client.text(), await other.client.text()]).toEqual(['told', 'returned']);
});

it.each([
  ['closed', (socket: Named) => close(socket, 1_001)],
  ['terminated', terminate],
] as const)(
  'a socket that is %s may still be called: nothing happens, nothing throws',
  async (_name, end) => {
    const socket = await host.connect();
    const again = [
      send(socket, 'x'),
      send(socket, ''),
      subscribe(socket, 'after the end'),
      publish('after the end', 'x'),
      unsubscribe(socket, 'after the end'),
      ping(socket),
      close(socket, 1_000),
      terminate(socket),
      bufferedBytes(socket),
    ];
    const nothing = ['dropped', 'dropped', null, 'dropped', null, null, null, null, 0];
    const inside = during(socket, 'closed', ...again);
    expect(await host.turn(inside, end(socket), ...again)).toEqual([null, null, ...nothing]);
    expect((await host.event('ran', socket)).results).toEqual(nothing);
    await socket.client.closed;
    expect(await host.turn(...again)).toEqual(nothing);
    expect(host.events(socket).map(({ event }) => event)).toEqual(['closed']);
  },
);
