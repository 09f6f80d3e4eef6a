/**
 * Raw rooms over the wire: what a member sends, every member gets verbatim, in order, exactly once.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { frame, openRaw } from '../support/raw-peer.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startNode(['--node-id', 'tested', '--max-control-frames', '20']);
});
afterAll(() => node.stop());

const room = (name: string) => `${node.url}/raw/${encodeURIComponent(name)}`;

async function members(count: number, url: string): Promise<TestClient[]> {
  return await Promise.all(Array.from({ length: count }, () => TestClient.open(url)));
}

describe('a message', () => {
  it('reaches every member of the room, its sender too, and nobody else', async () => {
    const inside = await members(3, room('a'));
    const outside = await TestClient.open(room('b'));
    inside[0]?.send('hello');
    for (const member of inside) expect(await member.text()).toBe('hello');
    outside.send('only here');
    expect(await outside.text()).toBe('only here');
    inside[1]?.send('next');
    for (const member of inside) expect(await member.text()).toBe('next');
    await Promise.all([...inside, outside].map((member) => member.close()));
  });

  it('sent to / is heard in the room livechat', async () => {
    const [plain, named] = await Promise.all([TestClient.open(node.url), TestClient.open(room('livechat'))]);
    plain.send("Hello! I'm client");
    expect(await named.text()).toBe("Hello! I'm client");
    expect(await plain.text()).toBe("Hello! I'm client");
    await Promise.all([plain.close(), named.close()]);
  });

  it.each<[string, string | Uint8Array]>([
    ['empty text', ''],
    ['empty binary', new Uint8Array(0)],
    ['text with a byte order mark', '\uFEFFtext'],
    ['text with NUL and line breaks', 'a\u0000b\r\n'],
    ['text beyond the basic plane', '👩‍🚀 مرحبا'],
    ['every byte', Uint8Array.from({ length: 256 }, (_, i) => i)],
    ['bytes that look like UTF-8', Buffer.from('text')],
    ['exactly 64 KiB of text', 'x'.repeat(65_536)],
    ['exactly 64 KiB of binary', Buffer.alloc(65_536, 7)],
  ])('arrives verbatim: %s', async (_name, payload) => {
    const [sender, other] = await members(2, room('verbatim'));
    sender?.send(payload);
    for (const member of [sender, other]) {
      const got = await member?.next();
      expect(got?.text).toBe(typeof payload === 'string');
      expect(got?.data.equals(Buffer.from(payload as Uint8Array))).toBe(true);
      await member?.close();
    }
  });

  it('in fragments arrives as one', async () => {
    const peer = await openRaw(node.port, { target: '/raw/fragments' });
    peer.send(Buffer.concat([frame(1, 'one ', { fin: false }), frame(9, 'ping'), frame(0, 'message')]));
    expect(await peer.frame()).toEqual({ opcode: 10, payload: Buffer.from('ping') });
    expect(await peer.frame()).toEqual({ opcode: 1, payload: Buffer.from('one message') });
    peer.destroy();
  });

  it('keeps its order among those of its sender', async () => {
    const count = 5_000;
    const [left, right, listener] = await members(3, room('order'));
    for (let i = 0; i < count; i += 1) {
      left?.send(`left ${i}`);
      right?.send(Buffer.from(`right ${i}`));
    }
    const next = { left: 0, right: 0 };
    for (let i = 0; i < 2 * count; i += 1) {
      const { data } = (await listener?.next()) ?? { data: Buffer.alloc(0) };
      const [side, number] = data.toString().split(' ') as ['left' | 'right', string];
      expect(Number(number)).toBe(next[side]);
      next[side] += 1;
    }
    expect(next).toEqual({ left: count, right: count });
    await Promise.all([left, right, listener].map((member) => member?.close()));
  });
});

describe('a room', () => {
  it.each([
    '__proto__',
    'constructor',
    'toString',
    '*',
    '?',
    '[a]',
    '{a}{b}',
    '../..',
    'a/b',
    'raw:a',
    'ü',
    '‮rtl',
    '😀',
    'x'.repeat(200),
  ])('may be named %s', async (name) => {
    const [one, two] = await members(2, room(name));
    one?.send(name);
    expect(await two?.text()).toBe(name);
    await Promise.all([one?.close(), two?.close()]);
  });

  it('is the same however its name is percent-encoded', async () => {
    const [one, two] = await Promise.all([
      TestClient.open(`${node.url}/raw/caf%C3%A9`),
      TestClient.open(`${node.url}/raw/%63af%c3%a9?x=1`),
    ]);
    one.send('same');
    expect(await two.text()).toBe('same');
    await Promise.all([one.close(), two.close()]);
  });

  it('is forgotten when its last member has left', async () => {
    const before = await node.metric('outcry_channels_open');
    const [one, two] = await members(2, room('soon gone'));
    expect(await node.metric('outcry_channels_open')).toBe(before + 1);
    await one?.close();
    await two?.close();
    await node.untilMetric('outcry_channels_open', before);
  });
});

describe('hello=1', () => {
  it('makes the name of the node the first text frame', async () => {
    const client = await TestClient.open(`${room('hello')}?hello=1`);
    client.send('x');
    expect(JSON.parse(await client.text())).toEqual({ node: 'tested' });
    expect(await client.text()).toBe('x');
    await client.close();
  });

  it('is not there unless it was asked for', async () => {
    const client = await TestClient.open(`${room('hello')}?hello=0`);
    client.send('x');
    expect(await client.text()).toBe('x');
    await client.close();
  });
});

describe('a client that breaks the rules', () => {
  const tooBig = 'outcry_connections_closed_total{reason="message_too_big"}';

  it('is closed with 1009 for a message above 64 KiB, and the others hear nothing of it', async () => {
    const [sender, other] = await members(2, room('big'));
    const before = await node.metric(tooBig);
    sender?.send('x'.repeat(65_537));
    expect((await sender?.closed)?.code).toBe(1009);
    await node.untilMetric(tooBig, before + 1);
    other?.send('still here');
    expect(await other?.text()).toBe('still here');
    await other?.close();
  });

  it('is closed with 1009 for fragments that exceed 64 KiB together', async () => {
    const peer = await openRaw(node.port);
    peer.send(frame(1, 'x'.repeat(40_000), { fin: false }));
    peer.send(frame(0, 'x'.repeat(40_000)));
    expect((await peer.frame()).payload.readUInt16BE()).toBe(1009);
    await peer.closed;
  });

  it.each<[string, number]>([
    ['pings', 9],
    ['pongs', 10],
  ])('by a flood of %s is cut with 1008', async (_name, opcode) => {
    const before = await node.metric('outcry_connections_closed_total{reason="control_flood"}');
    const peer = await openRaw(node.port);
    peer.send(Buffer.concat(Array.from({ length: 50_000 }, () => frame(opcode, 'x'))));
    let last = await peer.frame();
    while (last.opcode === 10) last = await peer.frame();
    expect([last.opcode, last.payload.readUInt16BE()]).toEqual([8, 1008]);
    await peer.closed;
    expect(await node.metric('outcry_connections_closed_total{reason="control_flood"}')).toBe(before + 1);
  });

  it('may send as many pings as are allowed', async () => {
    const peer = await openRaw(node.port, { target: '/raw/pings' });
    peer.send(Buffer.concat([...Array.from({ length: 20 }, () => frame(9, 'x')), frame(1, 'still here')]));
    for (let i = 0; i < 20; i += 1) expect((await peer.frame()).opcode).toBe(10);
    expect((await peer.frame()).payload.toString()).toBe('still here');
    peer.destroy();
  });

  it('by data behind its close is not heard', async () => {
    const listener = await TestClient.open(room('closed'));
    const peer = await openRaw(node.port, { target: '/raw/closed' });
    peer.send(Buffer.concat([frame(8, Buffer.from([3, 232])), frame(1, 'too late')]));
    expect((await peer.frame()).opcode).toBe(8);
    await peer.closed;
    listener.send('own');
    expect(await listener.text()).toBe('own');
    await listener.close();
  });

  it('by vanishing leaves no trace', async () => {
    await node.untilMetric('outcry_connections_open', 0);
    const peers = await Promise.all(Array.from({ length: 50 }, () => openRaw(node.port)));
    await node.untilMetric('outcry_connections_open', 50);
    for (const peer of peers) peer.socket.resetAndDestroy();
    await node.untilMetric('outcry_connections_open', 0);
  });
});
