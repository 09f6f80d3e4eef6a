/**
 * A peer that does not read: what waits for it is bounded, and it is closed as soon as it would lose something. It never
 * stays open with a hole in its stream.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame } from '../support/raw-peer.ts';
import {
  bufferedBytes,
  type Command,
  during,
  publish,
  type Result,
  send,
  subscribe,
  terminate,
} from './commands.ts';
import { differences } from './differences.ts';
import { type ConnectedRaw, HostProcess } from './host-process.ts';

const backpressureLimitBytes = 262_144;

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start({ backpressureLimitBytes });
});
afterAll(() => host.stop());

/** More than the limit and what both kernels hold on loopback (4 to 6 MB) together. */
const floodBytes = 10_000_000;

type How = 'publish' | 'send';

const shapes: [how: How, size: number, perTurn: number][] = [
  // Both runtimes take another path for messages of 16 KiB and more.
  ['publish', 1_000, 50],
  ['publish', 1_000, 500],
  ['publish', 17_000, 10],
  ['send', 1_000, 500],
  ['send', 17_000, 10],
];

async function paused(): Promise<ConnectedRaw> {
  const socket = await host.connectRaw();
  socket.peer.socket.pause();
  await host.turn(subscribe(socket, socket.name));
  return socket;
}

/** Numbered messages, as many a turn; `look` sees the results of each turn, and what waits after it. */
async function flood(
  socket: ConnectedRaw,
  [how, size, perTurn]: (typeof shapes)[number],
  look: (results: Result[], waitingBytes: number) => void,
): Promise<number> {
  const count = Math.ceil(floodBytes / size);
  for (let next = 0; next < count; next += perTurn) {
    const numbers = Array.from({ length: Math.min(perTurn, count - next) }, (_, i) => next + i);
    const commands = numbers.map((number): Command => {
      const payload = String(number).padStart(size, '0');
      return how === 'publish' ? publish(socket.name, payload) : send(socket, payload);
    });
    const results = await host.turn(...commands, bufferedBytes(socket));
    look(results.slice(0, -1), results.at(-1) as number);
  }
  return count;
}

/**
 * Reads numbered messages up to the end of the connection, or `count` of them. They must follow each other, or a hole must be
 * followed by the end of the connection: both runtimes close a turn or two after the loss, and a peer that begins to read
 * just then may get what was published meanwhile.
 */
async function readInOrder({ peer }: ConnectedRaw, count: number): Promise<number> {
  for (let next = 0; next < count; next += 1) {
    const got = await peer.frame().catch(() => null);
    if (got === null) return next;
    const number = Number(got.payload.toString());
    if (number > next) {
      while ((await peer.frame().catch(() => null)) !== null);
      return next;
    }
    expect([got.opcode, number]).toEqual([1, next]);
  }
  return count;
}

describe.each(shapes)('a peer that does not read, by %s of %i bytes, %i a turn', (...shape) => {
  const [how, size] = shape;

  it('is closed before it loses anything, while it still does not read', async () => {
    const socket = await paused();
    let mostWaiting = 0;
    const seen: Result[] = [];
    const count = await flood(socket, shape, (results, waitingBytes) => {
      mostWaiting = Math.max(mostWaiting, waitingBytes);
      seen.push(...results);
    });
    expect((await host.event('closed', socket)).code).toBe(1006);
    expect(mostWaiting).toBeGreaterThan(backpressureLimitBytes / 8);
    // One message may go beyond the limit, and a gathered write of up to 16 KiB with it.
    expect(mostWaiting).toBeLessThan(backpressureLimitBytes + size + 17_000);
    // In the order in which they came up first: the kernel may take more for a while.
    const first = how === 'publish' && differences.published === 'buffered' ? [] : ['sent'];
    expect([...new Set(seen)]).toEqual([...first, 'buffered', 'dropped']);

    // What the kernel still held comes without a hole, and then the end, without a close frame.
    socket.peer.socket.resume();
    const got = await readInOrder(socket, count);
    expect(got).toBeGreaterThan(0);
    expect(got).toBeLessThan(count);
    await socket.peer.closed;
    expect(host.events(socket)).toEqual([]);
  });

  it('that reads again in the middle of it gets everything, or everything up to its end', async () => {
    const socket = await paused();
    const count = Math.ceil(floodBytes / size);
    const read = readInOrder(socket, count);
    await flood(socket, shape, (_results, waitingBytes) => {
      if (waitingBytes > backpressureLimitBytes / 2) socket.peer.socket.resume();
    });
    socket.peer.socket.resume();
    if ((await read) < count) expect((await host.event('closed', socket)).code).toBe(1006);
    socket.peer.destroy();
  });
});

it('others get everything meanwhile, in order', async () => {
  const socket = await paused();
  const reader = await host.connectRaw();
  await host.turn(subscribe(reader, socket.name));
  const [count] = await Promise.all([
    flood(socket, ['publish', 1_000, 100], () => {}),
    readInOrder(reader, floodBytes / 1_000).then((got) => expect(got).toBe(floodBytes / 1_000)),
  ]);
  expect(count).toBe(floodBytes / 1_000);
  expect((await host.event('closed', socket)).code).toBe(1006);
  socket.peer.destroy();
});

it('a peer that fell behind and reads before the limit has lost nothing and stays', async () => {
  const socket = await paused();
  // Enough for the kernels and a part of the limit: whatever fits is found by looking at what waits.
  let sent = 0;
  for (let waitingBytes = 0; waitingBytes < backpressureLimitBytes / 4; sent += 1) {
    const results = await host.turn(send(socket, String(sent).padStart(1_000, '0')), bufferedBytes(socket));
    waitingBytes = results[1] as number;
  }
  socket.peer.socket.resume();
  expect(await readInOrder(socket, sent)).toBe(sent);
  expect(await host.turn(send(socket, 'still here'), bufferedBytes(socket))).toEqual(['sent', 0]);
  socket.peer.destroy();
});

it('a peer that does not read its pongs is closed as well', async () => {
  const socket = await paused();
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(9, 'x'.repeat(125))));
  for (let sent = 0; sent < floodBytes; sent += pings.length) socket.peer.send(pings);
  expect((await host.event('closed', socket)).code).toBe(1006);
  socket.peer.destroy();
});

it.each([0.5, 1])(
  'a peer that goes on speaking gets nothing behind what it lost (reads at %d)',
  async (share) => {
    const socket = await paused();
    const count = floodBytes / 1_000;
    const read = readInOrder(socket, count);
    const perMessage = 50;
    // Several messages of the peer arrive at once, and each is answered to the topic, as a room does it.
    for (let next = 0; next < count; next += 4 * perMessage) {
      const answers = [0, 1, 2, 3].map((message) => {
        const numbers = Array.from({ length: perMessage }, (_, i) => next + message * perMessage + i);
        const published = numbers.map((number) => publish(socket.name, String(number).padStart(1_000, '0')));
        return during(socket, 'received', ...published, bufferedBytes(socket));
      });
      await host.turn(...answers);
      socket.peer.send(Buffer.concat(answers.map(() => frame(1, 'speak'))));
      for (const _ of answers) {
        const event = await host.event(['ran', 'closed'], socket);
        if (event.event === 'closed') {
          next = count;
          break;
        }
        const waitingBytes = event.results.at(-1) as number;
        if (waitingBytes >= share * backpressureLimitBytes) socket.peer.socket.resume();
      }
    }
    socket.peer.socket.resume();
    await host.turn(terminate(socket));
    await read;
    socket.peer.destroy();
  },
);
