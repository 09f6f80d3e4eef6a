/**
 * Payloads: text stays text, binary stays the bytes, in both directions. The host wipes its bytes after each call, so
 * these cases also show that the transport has copied them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame } from '../support/raw-peer.ts';
import { bufferedBytes, ping, publish, send, subscribe, wired } from './commands.ts';
import { HostProcess } from './host-process.ts';

const payloads: [string, string | Uint8Array][] = [
  ['text', 'hello'],
  ['binary', Buffer.from('hello')],
  ['empty text', ''],
  ['empty binary', new Uint8Array(0)],
  ['text with a byte order mark', '\uFEFFtext'],
  ['text with NUL and line breaks', 'a\u0000b\r\n\u2028'],
  ['text beyond the basic plane', '👩‍🚀 مرحبا'],
  ['every byte', Uint8Array.from({ length: 256 }, (_, i) => i)],
  // The lengths at which a frame's header and the runtime's own path change.
  ...[125, 126, 16_383, 16_384, 65_535, 65_536].map((bytes): [string, Uint8Array] => [
    `${bytes} bytes`,
    Buffer.alloc(bytes, 'binary'),
  ]),
  ['64 KiB of text of two bytes each', 'ä'.repeat(32_768)],
];

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start();
});
afterAll(() => host.stop());

describe.each(payloads)('%s', (_name, payload) => {
  it('is received as it is', async () => {
    const socket = await host.connect();
    socket.client.send(payload);
    expect((await host.event('received', socket)).payload).toEqual(wired(payload));
  });

  it('is sent and published as it is', async () => {
    const socket = await host.connect();
    const { name: topic } = socket;
    await host.turn(subscribe(socket, topic), send(socket, payload), publish(topic, payload));
    for (const how of ['sent', 'published']) {
      const { text, data } = await socket.client.next();
      expect(text, how).toBe(typeof payload === 'string');
      expect(data.equals(Buffer.from(payload)), how).toBe(true);
    }
  });
});

it('of one turn arrive one by one, in order', async () => {
  const socket = await host.connectRaw();
  const count = 1_000;
  socket.peer.send(Buffer.concat(Array.from({ length: count }, (_, i) => frame(1, String(i)))));
  for (let i = 0; i < count; i += 1)
    expect((await host.event('received', socket)).payload).toEqual({ text: String(i) });
});

it('in fragments arrive as one, with control frames between them', async () => {
  const socket = await host.connectRaw();
  const parts = [frame(2, 'one ', { fin: false }), frame(9, 'ping'), frame(0, '', { fin: false })];
  socket.peer.send(Buffer.concat([...parts, frame(0, 'message')]));
  expect(await socket.peer.frame()).toEqual({ opcode: 10, payload: Buffer.from('ping') });
  await host.event('controlFrame', socket);
  expect((await host.event('received', socket)).payload).toEqual(wired(Buffer.from('one message')));
});

it('with half a surrogate pair are sent with a replacement character', async () => {
  const socket = await host.connect();
  await host.turn(send(socket, 'a\uD800b'));
  expect(await socket.client.text()).toBe('a\uFFFDb');
});

it('are answered with sent and leave nothing waiting while the peer reads', async () => {
  const socket = await host.connect();
  expect(await host.turn(send(socket, 'x'), bufferedBytes(socket))).toEqual(['sent', 0]);
});

describe('control frames', () => {
  it('are answered and told', async () => {
    const socket = await host.connectRaw();
    socket.peer.send(Buffer.concat([frame(9, 'x'.repeat(125)), frame(10, 'unasked'), frame(9)]));
    expect(await socket.peer.frame()).toEqual({ opcode: 10, payload: Buffer.from('x'.repeat(125)) });
    expect(await socket.peer.frame()).toEqual({ opcode: 10, payload: Buffer.alloc(0) });
    for (let i = 0; i < 3; i += 1) await host.event('controlFrame', socket);
  });

  it('are sent', async () => {
    const socket = await host.connectRaw();
    await host.turn(ping(socket));
    expect((await socket.peer.frame()).opcode).toBe(9);
    socket.peer.send(frame(10));
    await host.event('controlFrame', socket);
  });

  it('in a flood are all told and answered in order', async () => {
    const socket = await host.connectRaw();
    const count = 20_000;
    socket.peer.send(Buffer.concat(Array.from({ length: count }, (_, i) => frame(9, String(i)))));
    for (let i = 0; i < count; i += 1) expect((await socket.peer.frame()).payload.toString()).toBe(String(i));
    await host.turn();
    expect(host.events(socket)).toHaveLength(count);
  });
});
