/**
 * The SDK against a node that misbehaves on purpose, over real WebSockets of the package `ws`.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Client, type ClientEvents, type ClientOptions } from '../../src/client/client.ts';
import type { Surroundings } from '../../src/client/surroundings.ts';
import { Chronicle } from '../support/chronicle.ts';
import { batchOf, ScriptedNode } from '../support/scripted-node.ts';
import { calm, hurried, timesFaster } from '../support/surroundings.ts';

let node: ScriptedNode;

interface ConnectOptions extends ClientOptions {
  around?: Surroundings;
  url?: string;
}

beforeEach(async () => {
  node = await ScriptedNode.start();
});
afterEach(async () => {
  await node.stop();
});

function connect({ around = calm, url = node.url, ...options }: ConnectOptions = {}): Client {
  const client = new Client(url, options, around);
  onTestFinished(() => client.close());
  return client;
}

/** The next event of that name. */
function next<Name extends keyof ClientEvents>(client: Client, name: Name): Promise<ClientEvents[Name]> {
  return new Promise((resolve) => {
    const leave = client.on(name, (event) => {
      leave();
      resolve(event);
    });
  });
}

describe('sequences', () => {
  it('out of order, repeated and with holes: everything new once, and every hole told', async () => {
    const client = connect();
    const chronicle = Chronicle.of(client.subscribe('chat'));
    const visitor = await node.welcomed(100);
    visitor.batch('chat', 102, '101', '102');
    visitor.batch('chat', 102, '101', '102');
    visitor.batch('chat', 106, '105', '106');
    visitor.batch('chat', 104, '103', '104');
    visitor.batch('chat', 107, '105', '106', '107');
    visitor.batch('chat', 110);
    visitor.batch('chat', 111, '111');
    await chronicle.has('111');
    expect(chronicle.entries).toEqual([
      'subscribed',
      '101',
      '102',
      'gap: lost 2',
      '105',
      '106',
      '107',
      'gap: lost 3',
      '111',
    ]);
  });

  it('of several channels in one frame, between messages that nobody knows', async () => {
    const client = connect();
    const [left, right] = [Chronicle.of(client.subscribe('left')), Chronicle.of(client.subscribe('right'))];
    const visitor = await node.welcomed();
    visitor.say(
      { type: 'presence', channel: 'left', joined: ['ada'] },
      batchOf('left', 1, 'l1'),
      batchOf('right', 2, 'r1', 'r2'),
      {
        type: 'batch',
        channel: 'left',
        sequence: 2,
        time: 1,
        publications: [{ json: { a: ['}\n{'] } }],
        later: 1,
      },
      { type: 'gap', channel: 'right', reason: 'bridge_away' },
      batchOf('right', 3, 'r3'),
    );
    await Promise.all([left.reaches(3), right.reaches(5)]);
    expect(left.entries).toEqual(['subscribed', 'l1', { a: ['}\n{'] }]);
    expect(right.entries).toEqual(['subscribed', 'r1', 'r2', 'gap: bridge_away null', 'r3']);
  });

  it('of a node that started anew: what may be missing is told before what follows', async () => {
    const client = connect();
    const chronicle = Chronicle.of(client.subscribe('chat'));
    const before = await node.welcomed(5);
    before.batch('chat', 6, 'before');
    await chronicle.has('before');
    before.terminate();
    const after = await node.welcomed(0);
    after.batch('chat', 1, 'after');
    await chronicle.has('after');
    expect(chronicle.entries).toEqual(['subscribed', 'before', 'gap: reconnect null', 'subscribed', 'after']);
  });
});

describe('a connection', () => {
  it('that is half open is noticed, and replaced', async () => {
    const client = connect({ around: hurried });
    const chronicle = Chronicle.of(client.subscribe('chat'));
    const visitor = await node.visitor();
    await visitor.welcome();
    await visitor.join();
    await chronicle.has('subscribed');
    visitor.freeze();
    expect(await next(client, 'disconnected')).toMatchObject({ code: 1006, reason: 'silent' });
    await node.welcomed();
    await chronicle.has('gap: reconnect null');
  });

  it('that only talks and never answers is alive', async () => {
    const client = connect({ around: hurried });
    const visitor = await node.visitor();
    await visitor.welcome(200);
    await client.ready();
    const lost: unknown[] = [];
    client.on('disconnected', (event) => lost.push(event));
    // Three times as long as it may be silent.
    for (let turn = 0; turn < 15; turn += 1) {
      visitor.say({ type: 'ping' });
      await visitor.heard('pong');
      await new Promise((resolve) => setTimeout(resolve, 2_000 / timesFaster));
    }
    expect(lost).toEqual([]);
  });

  it('on which connect is never answered is replaced', async () => {
    const client = connect({ around: hurried });
    await (await node.visitor()).heard('connect');
    expect(await next(client, 'disconnected')).toMatchObject({ reason: 'connect timed out' });
    await (await node.visitor()).welcome();
    await client.ready();
  });

  it('whose handshake is never answered is given up', async () => {
    const deaf = createTcpServer();
    const url = await listening(deaf);
    const client = connect({ around: hurried, url });
    expect(await next(client, 'disconnected')).toMatchObject({ code: 1006, reason: 'connect timed out' });
  });

  it('that is refused over HTTP is tried again', async () => {
    const full = createServer((_, response) => response.writeHead(503).end());
    const client = connect({ url: await listening(full) });
    await next(client, 'disconnected');
    await once(full, 'request');
    expect(client.state).toBe('connecting');
  });
});

describe('close codes', () => {
  it('with retryAfterMs keep the client away for exactly so long', async () => {
    const client = connect();
    const visitor = await node.visitor();
    await visitor.welcome();
    await client.ready();
    const disconnected = next(client, 'disconnected');
    visitor.close(4000, '{"reason":"restart","retryAfterMs":300}');
    expect(await disconnected).toEqual({ code: 4000, reason: 'restart', retryInMs: 300 });
    const closedAt = performance.now();
    await node.visitor();
    expect(performance.now() - closedAt).toBeGreaterThan(290);
  });

  it('that say no end the client, and everything that waits for it', async () => {
    const client = connect();
    const chat = client.subscribe('chat');
    const loop = (async () => {
      for await (const _ of chat) throw new Error('nothing was published');
    })();
    const visitor = await node.welcomed();
    await chat.ready();
    const published = client.publish('chat', 'hi');
    await visitor.heard('publish');
    const errors: unknown[] = [];
    client.on('error', ({ name }) => errors.push(name));
    const closed = next(client, 'closed');
    visitor.close(4502, '{"reason":"disconnected"}');
    expect(await closed).toMatchObject({
      error: { name: 'sent_away', message: 'the node closed with 4502 disconnected' },
    });
    expect(errors).toEqual(['sent_away']);
    await expect(loop).rejects.toMatchObject({ name: 'sent_away' });
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown' });
    await expect(client.publish('chat', 'hi')).rejects.toMatchObject({ name: 'sent_away', retryable: false });
  });
});

describe('a frame that cannot be read', () => {
  it.each([
    ['cut', '{"type":"batch","cha'],
    ['not an object', '[1]'],
    ['of the wrong kind', Buffer.from('{"type":"ping"}')],
    ['with a number that is none', '{"type":"batch","channel":"chat","sequence":-1,"time":1}'],
  ])('because it is %s ends the connection, not the client', async (_, frame) => {
    const client = connect();
    const chronicle = Chronicle.of(client.subscribe('chat'));
    const errors: unknown[] = [];
    client.on('error', ({ name }) => errors.push(name));
    const visitor = await node.welcomed();
    await chronicle.has('subscribed');
    visitor.sayFrame(frame);
    const again = await node.welcomed(3);
    again.batch('chat', 4, 'after');
    await chronicle.has('after');
    expect(await visitor.closed).toBe(1000);
    expect(errors).toEqual(['unreadable']);
    expect(chronicle.entries).toEqual(['subscribed', 'gap: reconnect null', 'subscribed', 'after']);
  });
});

describe('replies', () => {
  it('in any order settle what they belong to', async () => {
    const client = connect();
    const visitor = await node.visitor();
    await visitor.welcome();
    const published = ['one', 'two', 'three'].map((text) => client.publish('chat', text));
    const ids = [];
    for (const _ of published) ids.push((await visitor.heard('publish')).id);
    visitor.say(
      { type: 'published', id: ids[2], degraded: true },
      { type: 'error', id: ids[1], code: 201, message: 'no answer of Redis' },
      { type: 'published', id: ids[0] },
      { type: 'published', id: ids[0] },
    );
    expect(await Promise.allSettled(published)).toMatchObject([
      { value: { degraded: false } },
      { reason: { name: 'outcome_unknown', code: 201, message: 'no answer of Redis', retryable: true } },
      { value: { degraded: true } },
    ]);
  });

  it('to a publication with an idempotency key that are lost on the way are asked for again', async () => {
    const client = connect();
    const first = await node.visitor();
    await first.welcome();
    const published = client.publish('chat', 'order', { idempotencyKey: 'order-7' });
    const sent = await first.heard('publish');
    first.terminate();
    const second = await node.visitor();
    await second.welcome();
    expect(await second.heard('publish')).toEqual(sent);
    second.say({ type: 'published', id: sent.id, epoch: 'e', offset: 57, duplicate: true });
    expect(await published).toEqual({ degraded: false, epoch: 'e', offset: 57, duplicate: true });
  });

  it('that refuse a channel for now are asked for again, for good are told', async () => {
    const client = connect();
    const [later, never] = [Chronicle.of(client.subscribe('later')), Chronicle.of(client.subscribe('never'))];
    const visitor = await node.visitor();
    await visitor.welcome();
    const first = await visitor.heard('subscribe');
    visitor.say({
      type: 'subscribed',
      id: first.id,
      channels: [],
      refused: [
        { channel: 'later', code: 200, message: 'not now' },
        { channel: 'never', code: 9_999, message: 'a code of the future' },
      ],
    });
    const second = await visitor.heard('subscribe');
    expect(second.channels).toEqual(['later']);
    visitor.say({
      type: 'subscribed',
      id: second.id,
      channels: [{ channel: 'later', number: 1, sequence: 0 }],
    });
    await Promise.all([later.has('subscribed'), never.reaches(1)]);
    expect(later.entries).toEqual(['error: unavailable', 'subscribed']);
    expect(never.entries).toEqual(['error: error_9999']);
  });

  it('that never come are waited for no longer than ten seconds', async () => {
    const client = connect({ around: hurried });
    const visitor = await node.visitor();
    await visitor.welcome();
    await client.ready();
    const published = client.publish('chat', 'hi');
    await visitor.heard('publish');
    await expect(published).rejects.toMatchObject({
      name: 'outcome_unknown',
      message: 'no answer within 10000 ms',
    });
  });
});

it('closes in good order', async () => {
  const client = connect();
  const visitor = await node.visitor();
  await visitor.welcome();
  await client.ready();
  await client.close();
  expect(await visitor.closed).toBe(1000);
});

async function listening(server: Server | TcpServer): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
