/**
 * permessage-deflate (RFC 7692): agreed on when the decision says so and not otherwise, no effect on what is delivered and in
 * which order, and no more memory for what arrives than without it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import {
  agreement,
  bomb,
  bombs,
  compressed,
  compressedBit,
  compressedInPieces,
  deflated,
  inflated,
  noDeflate,
  offer,
} from '../support/deflate.ts';
import { frame, handshakeBytes } from '../support/raw-peer.ts';
import { answer, type Command, decide, publish, subscribe } from './commands.ts';
import { differences, type Ending } from './differences.ts';
import { type Connected, type ConnectedRaw, HostProcess } from './host-process.ts';

const maxPayloadBytes = 262_144;
let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start({ compress: true, maxPayloadBytes });
});
afterAll(() => host.stop());

async function agreed(deflate = true): Promise<ConnectedRaw> {
  const name = host.newName();
  await host.turn(answer(`/${name}`, { upgrade: { deflate } }));
  return await host.connectRaw({ name, headers: offer });
}

/** With a library on the other end, which unpacks. */
async function listening(deflate: boolean): Promise<Connected> {
  const name = host.newName();
  await host.turn(answer(`/${name}`, { upgrade: { deflate } }));
  const client = await TestClient.open(`ws://127.0.0.1:${host.port}/${name}`, { perMessageDeflate: true });
  await host.event('opened', { name });
  await host.turn(subscribe({ name }, 'all'));
  return { name, client };
}

const squeezed = (payload: string | Uint8Array): Command => ({ ...publish('all', payload), compress: true });

describe('the handshake', () => {
  it.each([
    [true, false],
    [true, true],
    [false, false],
    [false, true],
  ])('agrees if that was decided: %s (later: %s)', async (deflate, later) => {
    const name = host.newName();
    await host.turn(answer(`/${name}`, { upgrade: { deflate }, later }));
    const { peer, head } = await host.ask(handshakeBytes({ target: `/${name}`, headers: offer }));
    if (later) {
      await host.event('asked', { name });
      await host.turn(decide(`/${name}`));
    }
    expect(/^sec-websocket-extensions: (.*)\r$/im.exec(await head)?.[1]).toBe(
      deflate ? agreement : undefined,
    );
    peer.destroy();
  });

  it('agrees on nothing on a listener without compression', async () => {
    const plain = await HostProcess.start();
    await plain.turn(answer('/a', { upgrade: { deflate: true } }));
    const { peer, head } = await plain.ask(handshakeBytes({ target: '/a', headers: offer }));
    expect(await head).not.toMatch(/extensions/i);
    peer.destroy();
    await plain.stop();
  });
});

describe('what is published', () => {
  it('compressed is compressed for those who agreed, and as it is for all others', async () => {
    const [packs, plain] = [await agreed(), await agreed(false)];
    await host.turn(subscribe(packs, 'all'), subscribe(plain, 'all'));
    const text = 'text that is repeated '.repeat(20);
    await host.turn(squeezed(text), publish('all', text));
    expect(await packs.peer.firstByte()).toBe(0x81 | compressedBit);
    const { payload } = await packs.peer.frame();
    expect(payload.length).toBeLessThan(60);
    expect(inflated(payload).toString()).toBe(text);
    expect(await packs.peer.firstByte()).toBe(0x81);
    for (let i = 0; i < 2; i += 1) {
      expect(await plain.peer.firstByte()).toBe(0x81);
      expect((await plain.peer.frame()).payload.toString()).toBe(text);
    }
    for (const { peer } of [packs, plain]) peer.destroy();
  });

  it('needs nothing of what came before to be read: nobody keeps a window', async () => {
    const packs = await agreed();
    await host.turn(subscribe(packs, 'all'));
    for (let i = 0; i < 3; i += 1) {
      await host.turn(squeezed('the same text again'.repeat(10)));
      expect(inflated((await packs.peer.frame()).payload).toString()).toBe('the same text again'.repeat(10));
    }
    packs.peer.destroy();
  });

  it('arrives whole and in order, compressed or not, text and bytes, of every size', async () => {
    const everybody = [await listening(true), await listening(true), await listening(false)];
    const sizes = [0, 1, 2, 125, 126, 16_383, 16_384, 16_385, 65_536, 200_000];
    const payloads = sizes.flatMap((size) => [
      'aä€😀'.repeat(Math.ceil(size / 10)).slice(0, size),
      Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * at) >> 3)),
    ]);
    const commands = payloads.flatMap((payload) => [squeezed(payload), publish('all', payload)]);
    for (let at = 0; at < commands.length; at += 7) await host.turn(...commands.slice(at, at + 7));
    for (const { client } of everybody)
      for (const payload of payloads.flatMap((each) => [each, each])) {
        const { text, data } = await client.next();
        expect(text).toBe(typeof payload === 'string');
        expect(data.equals(Buffer.from(payload as string))).toBe(true);
      }
    for (const { client } of everybody) await client.close();
  });
});

describe('what a client sends compressed', () => {
  it('is received as it was, whole or in fragments', async () => {
    const socket = await agreed();
    const half = deflated('in two halves');
    socket.peer.send(
      Buffer.concat([
        compressed('text', 1),
        compressed(Buffer.alloc(maxPayloadBytes)),
        frame(1, half.subarray(0, 5), { rsv: 4, fin: false }),
        frame(0, half.subarray(5)),
        frame(1, 'not compressed'),
        compressed('', 1),
      ]),
    );
    const got = async () => (await host.event('received', socket)).payload;
    expect(await got()).toEqual({ text: 'text' });
    expect(await got()).toEqual({ base64: Buffer.alloc(maxPayloadBytes).toString('base64') });
    for (const text of ['in two halves', 'not compressed', '']) expect(await got()).toEqual({ text });
    socket.peer.destroy();
  });

  it('ends the connection with 1009 above the limit, however small it was', async () => {
    const socket = await agreed();
    socket.peer.send(compressed(Buffer.alloc(maxPayloadBytes + 1)));
    expect(await endingOf(socket)).toEqual({ peer: 1009, session: 1009 });
  });

  it.each(Object.entries(bombs))(
    'ends the connection far above the limit, and costs little memory: %s',
    async (_name, pieces) => {
      expect(bomb.length).toBeLessThan(maxPayloadBytes);
      const before = host.peakBytes();
      for (let times = 0; times < 5; times += 1) {
        const socket = await agreed();
        socket.peer.send(compressedInPieces(pieces));
        expect(await endingOf(socket)).toEqual(differences.violation[1009]);
      }
      expect(host.peakBytes() - before).toBeLessThan(40_000_000);
    },
  );

  it('ends the connection when it is no DEFLATE', async () => {
    const socket = await agreed();
    socket.peer.send(compressedInPieces([noDeflate]));
    expect(await endingOf(socket)).toEqual(differences.brokenDeflate);
  });

  it('breaks the protocol without an agreement', async () => {
    const socket = await agreed(false);
    socket.peer.send(compressed('text'));
    expect(await endingOf(socket)).toEqual(differences.violation[1002]);
  });

  it.each<[string, Buffer]>([
    ['a ping', frame(9, 'x', { rsv: 4 })],
    [
      'a frame that goes on',
      Buffer.concat([frame(2, 'x', { fin: false }), frame(0, 'x', { rsv: 4, fin: false })]),
    ],
  ])('has no bit for it in %s: that ends the connection, or garbles it', async (what, bytes) => {
    const socket = await agreed();
    socket.peer.send(bytes);
    if (differences.strayCompressedBit === 'refused') {
      expect(await endingOf(socket)).toEqual(differences.violation[1002]);
      return;
    }
    socket.peer.send(frame(what === 'a ping' ? 2 : 0, noDeflate));
    if (what === 'a ping') await host.event('controlFrame', socket);
    if (what === 'a ping') expect((await socket.peer.frame()).opcode).toBe(10);
    expect(await endingOf(socket)).toEqual(differences.brokenDeflate);
  });
});

/** How the connection ended on both sides, with nothing received. */
async function endingOf(socket: ConnectedRaw): Promise<Ending> {
  const { code: session } = await host.event('closed', socket);
  const last = await socket.peer.frame().catch(() => null);
  await socket.peer.closed;
  await host.turn();
  expect(host.events(socket)).toEqual([]);
  return { peer: last === null ? 1006 : last.payload.readUInt16BE(), session };
}
