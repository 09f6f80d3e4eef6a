/**
 * permessage-deflate over the wire: in namespaces that have it, for clients that offer it; what it carries is the same; and
 * whatever a client sends compressed costs no more than what it sends otherwise.
 */
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import {
  agreement,
  bomb,
  bombs,
  compressed,
  compressedBit,
  compressedInPieces,
  inflated,
  noDeflate,
  offer,
} from '../support/deflate.ts';
import { NativeClient, type Subprotocol } from '../support/native-client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { frame, handshakeBytes, openRaw, RawPeer } from '../support/raw-peer.ts';
import { differences, runtime } from '../support/runtimes.ts';

const maxPayloadBytes = 262_144;
const namespaces = JSON.stringify({ packed: { compress: true } });

let node: TestNode;
let plain: TestNode;
beforeAll(async () => {
  node = await startNode(['--namespaces', namespaces, '--max-payload-bytes', String(maxPayloadBytes)]);
  plain = await startNode();
});
afterAll(() => Promise.all([node.stop(), plain.stop()]));

const text = 'what is said again and again, '.repeat(40);

/** The extension in the answer to an offer. */
async function answered(target: string, headers: Record<string, string>, port = node.port) {
  const peer = new RawPeer(port);
  peer.send(handshakeBytes({ target, headers }));
  const head = await peer.head();
  peer.destroy();
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return /^sec-websocket-extensions: (.*)\r$/im.exec(head)?.[1] ?? null;
}

const native = { 'Sec-WebSocket-Protocol': 'outcry.v1.json' };

describe('the handshake', () => {
  it('agrees with native clients, and in raw rooms of such a namespace', async () => {
    expect(await answered('/', { ...offer, ...native })).toBe(agreement);
    expect(await answered('/raw/packed%3Aroom', offer)).toBe(agreement);
    expect(await answered('/raw/room', offer)).toBe(null);
    expect(await answered('/raw/packed%3Aroom', {})).toBe(null);
  });

  it('agrees on nothing on a node without such a namespace', async () => {
    expect(await answered('/', { ...offer, ...native }, plain.port)).toBe(null);
    expect(await answered('/raw/packed%3Aroom', offer, plain.port)).toBe(null);
  });

  it.each([
    ['a window of 0', 'permessage-deflate; server_max_window_bits=0'],
    ['a window of 99', 'permessage-deflate; server_max_window_bits=99'],
    ['a window that is small', 'permessage-deflate; server_max_window_bits=9'],
    ['a window of its own of 0', 'permessage-deflate; client_max_window_bits=0'],
    ['a parameter that is not known', 'permessage-deflate; unknown'],
    ['another extension', 'x-webkit-deflate-frame'],
    ['a long name', 'x'.repeat(3_000)],
    ['a parameter again and again', 'permessage-deflate; '.repeat(150)],
    ['garbage', `${';,='.repeat(1_000)}permessage-deflate`],
  ])('goes on without it when the offer has %s', async (_what, offered) => {
    for (const target of ['/raw/packed%3Aroom', '/'])
      expect(
        await answered(target, { 'Sec-WebSocket-Extensions': offered, ...(target === '/' ? native : {}) }),
      ).toBe(null);
  });

  it('takes what is good of several', async () => {
    const several = 'x; y=z, permessage-deflate; server_max_window_bits=9, permessage-deflate';
    expect(await answered('/raw/packed%3Aroom', { 'Sec-WebSocket-Extensions': several })).toBe(agreement);
  });

  it('refuses 10 KB of it as it refuses any other header', async () => {
    const peer = new RawPeer(node.port);
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; '.repeat(500) };
    peer.send(handshakeBytes({ target: '/raw/packed%3Aroom', headers }));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 431 /);
    await peer.closed;
  });
});

describe('a publication', () => {
  it('goes compressed to whoever agreed, and as it is to the others', async () => {
    const [packs, reads] = [
      await openRaw(node.port, { target: '/raw/packed%3Aa', headers: offer }),
      await openRaw(node.port, { target: '/raw/packed%3Aa' }),
    ];
    reads.send(frame(1, text));
    expect(await packs.firstByte()).toBe(0x81 | compressedBit);
    const { payload } = await packs.frame();
    expect(payload.length).toBeLessThan(text.length / 10);
    expect(inflated(payload).toString()).toBe(text);
    expect(await reads.firstByte()).toBe(0x81);
    expect((await reads.frame()).payload.toString()).toBe(text);

    packs.send(compressed(text, 1));
    expect(inflated((await packs.frame()).payload).toString()).toBe(text);
    expect((await reads.frame()).payload.toString()).toBe(text);

    // Too short to be worth it.
    reads.send(frame(1, 'short'));
    expect(await packs.firstByte()).toBe(0x81);
    for (const peer of [packs, reads]) peer.destroy();
  });

  it.each<Subprotocol>(['outcry.v1.json', 'outcry.v1.msgpack'])(
    'in batches is read by native clients, whole and in order, of every size: %s',
    async (subprotocol) => {
      const channel = `packed:${subprotocol}`;
      const count = 300;
      const listeners = await Promise.all(
        [true, false].map(async (deflate) => {
          const client = await NativeClient.connect(node.url, subprotocol, { perMessageDeflate: deflate });
          expect(client.client.socket.extensions).toBe(deflate ? 'permessage-deflate' : '');
          const json = subprotocol === 'outcry.v1.json';
          client.say(json ? { type: 'subscribe', id: 1, channels: [channel] } : [2, 1, [channel]]);
          await client.hear();
          return client;
        }),
      );
      const publisher = await TestClient.open(`${node.url}/raw/${encodeURIComponent(channel)}`);
      const said = Array.from({ length: count }, (_, number) => `${number} ${text}`.slice(0, 5 + number * 4));
      for (const each of said) publisher.send(each);
      const bytes = [];
      for (const listener of listeners) {
        const heard: string[] = [];
        while (heard.length < count) heard.push(...textsIn(await listener.hear()));
        expect(heard).toEqual(said);
        bytes.push(bytesReadBy(listener.client));
      }
      const [packed = 0, unpacked = 0] = bytes;
      expect(packed).toBeLessThan(unpacked / 3);
      await Promise.all([publisher.close(), ...listeners.map(({ client }) => client.close())]);
    },
  );
});

describe('a bomb', () => {
  it.each(Object.entries(bombs))(
    'ends its own connection and costs little memory: %s',
    async (_name, pieces) => {
      expect(bomb.length).toBeLessThan(maxPayloadBytes);
      const other = await TestClient.open(`${node.url}/raw/packed%3Abomb`);
      const [code = '', reason = ''] = of('a message above twice `maxPayloadBytes`');
      const series = `outcry_connections_closed_total{reason="${reason}"}`;
      const [closedBefore, bytesBefore] = [await node.metric(series), await node.residentBytes()];
      for (let times = 1; times <= 5; times += 1) {
        const peer = await openRaw(node.port, { target: '/raw/packed%3Abomb', headers: offer });
        peer.send(compressedInPieces(pieces));
        expect(await closeCode(peer)).toBe(Number(code));
        await node.untilMetric(series, closedBefore + times);
      }
      expect((await node.residentBytes()) - bytesBefore).toBeLessThan(40_000_000);
      other.send('still here');
      expect(await other.text()).toBe('still here');
      await other.close();
    },
  );

  it('that is just above the limit is told so', async () => {
    const peer = await openRaw(node.port, { target: '/raw/packed%3Abomb', headers: offer });
    peer.send(compressed(Buffer.alloc(maxPayloadBytes + 1)));
    expect(await closeCode(peer)).toBe(1009);
  });

  it('that is no DEFLATE ends its connection and is counted', async () => {
    const [code = '', reason = ''] = of('something compressed that is no DEFLATE');
    const series = `outcry_connections_closed_total{reason="${reason}"}`;
    const before = await node.metric(series);
    const peer = await openRaw(node.port, { target: '/raw/packed%3Abomb', headers: offer });
    peer.send(compressedInPieces([noDeflate]));
    expect(await closeCode(peer)).toBe(Number(code));
    await node.untilMetric(series, before + 1);
  });
});

/** The texts of a batch, in either codec. */
function textsIn(batch: unknown): string[] {
  if (Array.isArray(batch)) return batch[4];
  return (batch as { publications: { text: string }[] }).publications.map(({ text: each }) => each);
}

/** What came through its TCP connection. */
function bytesReadBy({ socket }: TestClient): number {
  return (socket as unknown as { _socket: Socket })._socket.bytesRead;
}

/** What a peer sees and how it is counted, on the runtime of this test run. */
function of(name: keyof typeof differences.frames): string[] {
  return differences.frames[name][runtime].split(/, `|`/);
}

/** The code that ends the connection; 1006 if it ends without one. */
async function closeCode(peer: RawPeer): Promise<number> {
  const last = await peer.frame().catch(() => null);
  await peer.closed;
  return last === null ? 1006 : last.payload.readUInt16BE();
}
