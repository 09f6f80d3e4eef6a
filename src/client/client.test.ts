import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { batch, connected, heard, settled, World } from '../../test/support/client-world.ts';
import { Client, type ClientEvents } from './client.ts';

describe('a client', () => {
  it('connects by itself and says who it is', async () => {
    const world = new World({ name: 'ticker/1.0', token: 'secret' });
    expect(world.client.state).toBe('connecting');
    await settled();
    world.socket.open();
    expect(world.socket.url).toBe('ws://node/');
    expect(world.socket.protocol).toBe('outcry.v1.json');
    expect(world.socket.binaryType).toBe('arraybuffer');
    expect(world.socket.sent).toEqual([
      { type: 'connect', id: expect.any(Number), version: 1, client: 'ticker/1.0', token: 'secret' },
    ]);
    const ready = world.client.ready();
    world.socket.welcome();
    await ready;
    expect(world.client.state).toBe('connected');
    expect(world.events).toEqual([
      ['connected', { node: 'left', boot: 'b00t', connection: 'b00t-1', again: false }],
    ]);
  });

  it.each([
    ['http://node:1/x', 'ws://node:1/x'],
    ['https://node/#top', 'wss://node/'],
    ['wss://node/?a=b', 'wss://node/?a=b'],
  ])('takes %s as %s', async (given, used) => {
    const world = new World({}, given);
    await settled();
    expect(world.socket.url).toBe(used);
  });

  it('says at once what can never work', () => {
    const around = new World();
    const make = (url: string, options: object) => () =>
      new Client(url, options, {
        clock: around.clock,
        random: Math.random,
        WebSocket: undefined,
        pageUrl: undefined,
        onWake: () => () => {},
      });
    expect(make('ws://node', {})).toThrow(/there is no WebSocket here: .* package ws/);
    const { WebSocket } = around.network;
    expect(make('node:80', { WebSocket })).toThrow('node:80 is not the address of a WebSocket');
    expect(make('/relative', { WebSocket })).toThrow('/relative is not an address');
    expect(make('ws://node', { WebSocket, codec: 'xml' })).toThrow('codec is "json" or "msgpack", not "xml"');
  });

  it('asks for everything that it wants before the node has answered, a thousand channels in few commands', async () => {
    const world = new World();
    for (let index = 0; index < 1_000; index += 1) world.client.subscribe(`prices:${index}`);
    await settled();
    world.socket.open();
    const commands = world.socket.sent.filter(({ type }) => type === 'subscribe');
    expect(commands.flatMap(({ channels }) => channels)).toHaveLength(1_000);
    expect(commands.length).toBeLessThan(12);
    expect(Math.max(...commands.map((command) => JSON.stringify(command).length))).toBeLessThan(4_096);
  });
});

describe('a subscription', () => {
  it('gets what comes after the number with which it was joined', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.receive(batch('chat', 40, 'before'));
    world.socket.joinAll(40);
    world.socket.receive(batch('chat', 42, 'one', 'two'), batch('elsewhere', 1, 'x'));
    expect(events).toEqual(['subscribed', 'one', 'two']);
  });

  it('never gets a publication twice, and is told what is missing before it gets what follows', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.joinAll(10);
    world.socket.receive(batch('chat', 12, '11', '12'));
    world.socket.receive(batch('chat', 12, '11', '12'));
    world.socket.receive(batch('chat', 13, '12', '13'));
    world.socket.receive(batch('chat', 17, '16', '17'));
    world.socket.receive(batch('chat', 20));
    world.socket.receive(batch('chat', 20));
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'bridge' });
    expect(events).toEqual(['subscribed', '11', '12', '13', 'lost 2', '16', '17', 'lost 3', 'bridge null']);
  });

  it('is told of a publication in a form that nobody knows yet', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.joinAll(0);
    world.socket.receive({
      ...batch('chat', 3, 'one'),
      publications: [{ text: '1' }, { later: 2 }, { text: '3' }],
    });
    expect(events).toEqual(['subscribed', '1', 'unreadable 1', '3']);
  });

  it('shares its channel with others: the node is asked once, and left when the last one leaves', async () => {
    const world = await connected();
    const first = world.client.subscribe('chat');
    await settled();
    world.socket.joinAll(0);
    const second = world.client.subscribe('chat');
    const events = heard(second);
    await settled();
    expect(events).toEqual(['subscribed']);
    await second.ready();
    world.socket.receive(batch('chat', 1, 'one'));
    first.unsubscribe();
    await settled();
    world.socket.receive(batch('chat', 2, 'two'));
    expect(events).toEqual(['subscribed', 'one', 'two']);
    second.unsubscribe();
    second.unsubscribe();
    await settled();
    world.socket.receive(batch('chat', 3, 'three'));
    expect(events).toEqual(['subscribed', 'one', 'two']);
    expect(world.socket.sent.map(({ type, channels }) => [type, channels]).slice(1)).toEqual([
      ['subscribe', ['chat']],
      ['unsubscribe', ['chat']],
    ]);
  });

  it('may be left and taken again in one breath: what comes before the answer belongs to the past', async () => {
    const world = await connected();
    const first = world.client.subscribe('chat');
    await settled();
    world.socket.joinAll(5);
    first.unsubscribe();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.receive(batch('chat', 6, 'old'));
    world.socket.joinAll(6);
    world.socket.receive(batch('chat', 7, 'new'));
    expect(events).toEqual(['subscribed', 'new']);
    expect(world.socket.sent.slice(1).map(({ type }) => type)).toEqual([
      'subscribe',
      'unsubscribe',
      'subscribe',
    ]);
  });

  it('does not take the answer to an older question for its own', async () => {
    const world = await connected();
    const first = world.client.subscribe('chat');
    await settled();
    const { id } = world.socket.last('subscribe');
    first.unsubscribe();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.receive({ type: 'subscribed', id, channels: [{ channel: 'chat', number: 1, sequence: 5 }] });
    expect(events).toEqual([]);
    world.socket.joinAll(9);
    world.socket.receive(batch('chat', 10, 'ten'));
    expect(events).toEqual(['subscribed', 'ten']);
  });

  it('that was left before the node was asked costs nothing', async () => {
    const world = await connected();
    world.client.subscribe('chat').unsubscribe();
    await settled();
    expect(world.socket.sent.map(({ type }) => type)).toEqual(['connect']);
  });

  it('ends when it is refused for good, and whoever waits for it is told', async () => {
    const world = await connected();
    const refused = world.client.subscribe('secret');
    const ready = refused.ready();
    const loop = (async () => {
      for await (const _ of refused) throw new Error('nothing comes');
    })();
    await settled();
    const { id } = world.socket.last('subscribe');
    world.socket.receive({
      type: 'subscribed',
      id,
      channels: [],
      refused: [{ channel: 'secret', code: 111, message: 'not yours' }],
    });
    await expect(ready).rejects.toMatchObject({
      name: 'not_permitted',
      code: 111,
      message: 'secret: not yours',
    });
    await expect(loop).rejects.toMatchObject({ name: 'not_permitted' });
    expect(refused.status).toBe('ended');
    await expect(refused.ready()).rejects.toMatchObject({ name: 'not_permitted' });
    expect(world.names).toEqual(['connected']);
    // Another try is another subscription.
    world.client.subscribe('secret');
    await settled();
    expect(world.socket.last('subscribe').id).not.toBe(id);
  });

  it('is asked for again later when it is refused for now', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.receive({
      type: 'error',
      id: world.socket.last('subscribe').id,
      code: 202,
      message: 'slowly',
    });
    expect(events).toEqual(['too_fast']);
    world.clock.advance(250);
    expect(world.socket.sent.filter(({ type }) => type === 'subscribe')).toHaveLength(2);
    world.socket.receive({
      type: 'subscribed',
      id: world.socket.last('subscribe').id,
      channels: [{ channel: 'chat', number: 1, sequence: 0 }],
    });
    expect(events).toEqual(['too_fast', 'subscribed']);
  });

  it('is asked for in smaller portions when the node takes fewer at once', async () => {
    const world = await connected();
    for (let index = 0; index < 9; index += 1) world.client.subscribe(`prices:${index}`);
    const sizes = () => {
      const commands = world.socket.sent.filter(({ type }) => type === 'subscribe');
      return commands.map(({ channels }) => (channels as string[]).length);
    };
    await settled();
    expect(sizes()).toEqual([9]);
    world.socket.receive({
      type: 'error',
      id: world.socket.last('subscribe').id,
      code: 202,
      message: 'slowly',
    });
    world.clock.advance(250);
    expect(sizes()).toEqual([9, 4, 4, 1]);
    world.socket.joinAll();
  });

  it('is left again later when the node does not take that for now', async () => {
    const world = await connected();
    const [chat, news] = [world.client.subscribe('chat'), world.client.subscribe('news')];
    await settled();
    world.socket.joinAll();
    chat.unsubscribe();
    news.unsubscribe();
    await settled();
    const { id } = world.socket.last('unsubscribe');
    world.client.subscribe('news');
    await settled();
    world.socket.receive({
      type: 'error',
      id,
      code: 202,
      message: 'slowly',
    });
    world.clock.advance(250);
    expect(world.socket.last('unsubscribe').channels).toEqual(['chat']);
    world.socket.receive({
      type: 'unsubscribed',
      id: world.socket.last('unsubscribe').id,
      channels: ['chat'],
    });
    world.clock.advance(20_000);
    expect(world.socket.sent.filter(({ type }) => type === 'unsubscribe')).toHaveLength(2);
    expect(world.names).toEqual(['connected']);
  });

  it('reports a refusal that nobody listens for as an error of the client', async () => {
    const world = await connected();
    world.client.subscribe('secret');
    await settled();
    world.socket.receive({ type: 'error', id: world.socket.last('subscribe').id, code: 111, message: 'no' });
    expect(world.events.at(-1)).toEqual(['error', expect.objectContaining({ name: 'not_permitted' })]);
  });

  it('says that the other nodes are out of reach', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.joinAll(0, true);
    expect(events).toEqual(['subscribed, degraded']);
    expect(world.events.at(-1)).toEqual(['degraded', { channel: 'chat' }]);
  });

  it('says that they are in reach again, once, and not to whoever was not told otherwise', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.joinAll(0, true);
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'bridge' });
    expect(world.events.at(-1)).toEqual(['degraded', { channel: 'chat' }]);
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'bridge_away' });
    expect(world.events.at(-1)).toEqual(['restored', { channel: 'chat' }]);
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'bridge_away' });
    expect(world.names.filter((name) => name === 'restored')).toHaveLength(1);
    expect(events).toEqual(['subscribed, degraded', 'bridge null', 'bridge_away null', 'bridge_away null']);
  });
});

describe('a node that loses the others', () => {
  it('says so once for all channels, and whoever has joined is told for each', async () => {
    const world = await connected();
    const degraded = () => world.events.filter(([name]) => name === 'degraded').map(([, event]) => event);
    for (const channel of ['chat', 'news']) world.client.subscribe(channel);
    await settled();
    world.socket.joinAll(0);
    world.client.subscribe('not answered');
    await settled();
    world.socket.receive({ type: 'degraded' });
    world.socket.receive({ type: 'degraded' });
    expect(degraded()).toEqual([{ channel: 'chat' }, { channel: 'news' }]);
    // Joined meanwhile in the same client: told in the subscription.
    const late = world.client.subscribe('chat');
    const told: boolean[] = [];
    late.on('subscribed', (event) => told.push(event.degraded));
    await settled();
    expect(told).toEqual([true]);
    world.socket.receive({ type: 'gap', channel: 'chat', reason: 'bridge_away' });
    expect(world.events.at(-1)).toEqual(['restored', { channel: 'chat' }]);
    world.socket.receive({ type: 'degraded' });
    expect(degraded()).toHaveLength(3);
  });

  it('in one channel: whoever has joined that is told, until a gap says that it is over', async () => {
    const world = await connected();
    for (const channel of ['chat', 'news']) world.client.subscribe(channel);
    await settled();
    world.socket.joinAll(0);
    world.socket.receive({ type: 'degraded', channel: 'news' });
    world.socket.receive({ type: 'degraded', channel: 'never joined' });
    expect(world.events.filter(([name]) => name === 'degraded')).toEqual([['degraded', { channel: 'news' }]]);
    world.socket.receive({ type: 'gap', channel: 'news', reason: 'bridge_away' });
    expect(world.events.at(-1)).toEqual(['restored', { channel: 'news' }]);
  });
});

describe('a loop', () => {
  it('gets what came since subscribe, though it begins later', async () => {
    const world = await connected();
    const chat = world.client.subscribe<string>('chat');
    await settled();
    world.socket.joinAll(0);
    world.socket.receive(batch('chat', 2, 'one', 'two'));
    const got: string[] = [];
    for await (const { data, sequence, kind, channel, time } of chat) {
      got.push(data);
      expect({ sequence, kind, channel, time }).toEqual({
        sequence: got.length,
        kind: 'text',
        channel: 'chat',
        time: 1_764_000_000_000,
      });
      if (got.length === 2) break;
    }
    expect(got).toEqual(['one', 'two']);
  });

  it('ends when the channel is left, and when the client is closed', async () => {
    const world = await connected();
    const [left, closed] = [world.client.subscribe('left'), world.client.subscribe('closed')];
    const loops = [left, closed].map(async (subscription) => {
      for await (const _ of subscription) throw new Error('nothing comes');
    });
    left.unsubscribe();
    await loops[0];
    void world.client.close();
    await loops[1];
    for await (const _ of closed) throw new Error('nothing comes');
  });

  it('that is too slow gets what fitted, then the error, while handlers get everything', async () => {
    const world = await connected();
    const chat = world.client.subscribe<string>('chat', { maxWaiting: 2 });
    const loop = chat[Symbol.asyncIterator]();
    const events = heard(chat);
    await settled();
    world.socket.joinAll(0);
    world.socket.receive(batch('chat', 3, '1', '2', '3'));
    expect((await loop.next()).value?.data).toBe('1');
    expect((await loop.next()).value?.data).toBe('2');
    await expect(loop.next()).rejects.toMatchObject({ name: 'overflow' });
    expect(events).toEqual(['subscribed', '1', '2', '3']);
    // A new loop starts from here.
    const again = chat[Symbol.asyncIterator]();
    world.socket.receive(batch('chat', 4, '4'));
    expect((await again.next()).value?.data).toBe('4');
  });

  it('keeps nothing for itself when handlers are there first', async () => {
    const world = await connected();
    const chat = world.client.subscribe<string>('chat', { maxWaiting: 1 });
    chat.on('publication', () => {});
    await settled();
    world.socket.joinAll(0);
    world.socket.receive(batch('chat', 3, '1', '2', '3'));
    const loop = chat[Symbol.asyncIterator]();
    world.socket.receive(batch('chat', 4, '4'));
    expect((await loop.next()).value?.data).toBe('4');
  });
});

describe('publishing', () => {
  it('resolves when the node has acknowledged it', async () => {
    const world = await connected();
    const published = world.client.publish('chat', { text: 'hi' });
    const sent = world.socket.last('publish');
    expect(sent).toEqual({ type: 'publish', id: expect.any(Number), channel: 'chat', json: { text: 'hi' } });
    world.socket.receive({ type: 'published', id: sent.id, degraded: true });
    expect(await published).toEqual({ degraded: true, epoch: null, offset: null, duplicate: false });
    expect(world.events.at(-1)).toEqual(['degraded', { channel: 'chat' }]);
  });

  it('rejects with what the node says', async () => {
    const world = await connected();
    const published = world.client.publish('chat', 'hi');
    world.socket.receive({ type: 'error', id: world.socket.last('publish').id, code: 111, message: 'no' });
    await expect(published).rejects.toMatchObject({ name: 'not_permitted', code: 111 });
    expect(world.names).toEqual(['connected']);
  });

  it('waits for the connection, in order, with the bytes as they were', async () => {
    const world = new World();
    const bytes = Uint8Array.of(1);
    const published = [world.client.publish('chat', bytes), world.client.publish('chat', 'second')];
    bytes[0] = 2;
    await settled();
    world.socket.open();
    expect(world.socket.sent.map(({ type }) => type)).toEqual(['connect']);
    world.socket.welcome();
    const sent = world.socket.sent.filter(({ type }) => type === 'publish');
    expect(sent).toMatchObject([{ binary: 'AQ==' }, { text: 'second' }]);
    for (const { id } of sent) world.socket.receive({ type: 'published', id });
    await Promise.all(published);
  });

  it('refuses by itself what the node would close the connection for', async () => {
    const world = new World();
    await settled();
    world.socket.welcome({ maxPayloadBytes: 100, maxSubscriptions: 1 });
    await expect(world.client.publish('chat', 'x'.repeat(200))).rejects.toMatchObject({
      name: 'payload_too_big',
    });
    await expect(world.client.publish('chat', 'ü'.repeat(40))).rejects.toMatchObject({
      name: 'payload_too_big',
    });
    expect(world.socket.sent.map(({ type }) => type)).toEqual(['connect']);
    void world.client.publish('chat', 'ü'.repeat(10)).catch(() => {});
    expect(world.socket.sent).toHaveLength(2);
  });

  it('rejects what cannot travel, and everything after the end', async () => {
    const world = await connected();
    await expect(world.client.publish('chat', undefined)).rejects.toMatchObject({ name: 'bad_payload' });
    void world.client.close();
    await expect(world.client.publish('chat', 'hi')).rejects.toMatchObject({ name: 'closed', code: 190 });
    expect(() => world.client.subscribe('chat')).toThrow('closed');
  });
});

describe('a lost connection', () => {
  it('comes back after a random wait, joins again, and says that something may be missing', async () => {
    const world = await connected();
    const events = heard(world.client.subscribe('chat'));
    await settled();
    world.socket.joinAll(40);
    world.socket.receive(batch('chat', 41, 'before'));
    const published = world.client.publish('chat', 'lost?');
    world.socket.end();
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown' });
    expect(world.events.at(-1)).toEqual(['disconnected', { code: 1006, reason: '', retryInMs: 250 }]);
    expect(world.client.state).toBe('waiting');
    world.clock.advance(249);
    expect(world.network.sockets).toHaveLength(1);
    world.clock.advance(1);
    world.socket.welcome();
    world.socket.joinAll(7);
    world.socket.receive(batch('chat', 8, 'after'));
    expect(events).toEqual(['subscribed', 'before', 'reconnect null', 'subscribed', 'after']);
    expect(world.events.at(-1)).toEqual(['connected', expect.objectContaining({ again: true })]);
  });

  it('says nothing of a gap to whoever had nothing to miss', async () => {
    const world = await connected();
    world.socket.end();
    const events = heard(world.client.subscribe('chat'));
    world.clock.advance(250);
    world.socket.end();
    world.clock.advance(500);
    world.socket.welcome();
    world.socket.joinAll(0);
    expect(events).toEqual(['subscribed']);
  });

  it('is tried with growing waits, which start anew only after a connection that lasted', async () => {
    const world = await connected();
    const waits = () =>
      world.events.flatMap(([name, event]) =>
        name === 'disconnected' ? [(event as ClientEvents['disconnected']).retryInMs] : [],
      );
    world.socket.end();
    world.clock.advance(250);
    world.socket.welcome();
    world.clock.advance(9_000);
    world.socket.end();
    world.clock.advance(500);
    world.socket.end();
    world.clock.advance(1_000);
    world.socket.welcome();
    world.clock.advance(10_000);
    world.socket.end();
    expect(waits()).toEqual([250, 500, 1_000, 250]);
  });

  it('comes back when the node said, whatever chance says', async () => {
    const world = await connected();
    world.socket.end(4000, '{"reason":"restart","retryAfterMs":1500}');
    expect(world.events.at(-1)).toEqual([
      'disconnected',
      { code: 4000, reason: 'restart', retryInMs: 1_500 },
    ]);
    world.wake();
    world.clock.advance(1_499);
    expect(world.network.sockets).toHaveLength(1);
    world.clock.advance(1);
    expect(world.network.sockets).toHaveLength(2);
  });

  it.each([
    ['{"reason":"restart","retryAfterMs":-1}', 250],
    ['{"reason":"restart","retryAfterMs":"x"}', 250],
    ['{"reason":7}', 250],
    ['not JSON', 250],
    ['null', 250],
    ['{"retryAfterMs":1e300}', 86_400_000],
  ])('takes the reason %s with reserve', async (reason, retryInMs) => {
    const world = await connected();
    world.socket.end(4000, reason);
    expect(world.events.at(-1)).toEqual([
      'disconnected',
      { code: 4000, reason: expect.any(String), retryInMs },
    ]);
  });

  it('comes back at once when the network does', async () => {
    const world = await connected();
    world.random = 1;
    world.socket.end();
    world.wake();
    expect(world.network.sockets).toHaveLength(2);
    world.wake();
    world.clock.advance(9_999);
    expect(world.network.sockets).toHaveLength(2);
  });

  it.each([4500, 4501, 4502, 1008, 1009, 1000, 3000])('does not come back after %d', async (code) => {
    const world = await connected();
    const chat = world.client.subscribe('chat');
    const loop = (async () => {
      for await (const _ of chat) throw new Error('nothing comes');
    })();
    const published = world.client.publish('chat', 'hi');
    world.socket.end(code, '{"reason":"malformed"}');
    const why = { name: 'sent_away', code: 192, message: `the node closed with ${code} malformed` };
    await expect(loop).rejects.toMatchObject(why);
    await expect(published).rejects.toMatchObject({ name: 'outcome_unknown' });
    await expect(world.client.ready()).rejects.toMatchObject(why);
    expect(world.names).toEqual(['connected', 'error', 'closed']);
    expect(world.events.at(-1)).toEqual(['closed', { error: expect.objectContaining(why) }]);
    expect(world.client.state).toBe('closed');
    expect(world.clock.timers).toBe(0);
    expect(world.awake).toBe(false);
  });
});

describe('a node that does not behave', () => {
  it('is left when it never answers connect', async () => {
    const world = new World();
    await settled();
    world.socket.open();
    world.clock.advance(10_000);
    expect(world.socket.closes).toEqual([1000]);
    expect(world.events).toEqual([
      ['disconnected', { code: 1006, reason: 'connect timed out', retryInMs: 250 }],
    ]);
    // Its late words are nobody's.
    world.socket.receive({ type: 'ping' });
    world.socket.end();
    expect(world.names).toEqual(['disconnected']);
  });

  it('is left when it falls silent, and asked before', async () => {
    const world = await connected();
    world.clock.advance(25_000);
    const { id } = world.socket.last('ping');
    world.clock.advance(9_999);
    expect(world.client.state).toBe('connected');
    world.socket.receive({ type: 'pong', id, time: 1_764_000_000_000 });
    world.clock.advance(34_999);
    expect(world.client.state).toBe('connected');
    world.clock.advance(1);
    expect(world.events.at(-1)).toEqual(['disconnected', { code: 1006, reason: 'silent', retryInMs: 250 }]);
  });

  it('is asked at once when the network is back', async () => {
    const world = await connected();
    world.wake();
    expect(world.socket.last('ping')).toMatchObject({ type: 'ping', id: expect.any(Number) });
    world.clock.advance(10_000);
    expect(world.client.state).toBe('waiting');
  });

  it('is answered when it asks', async () => {
    const world = await connected();
    world.socket.receive({ type: 'ping' });
    expect(world.socket.sent.at(-1)).toEqual({ type: 'pong' });
  });

  it('is left when it cannot be understood', async () => {
    const world = await connected();
    world.socket.receiveFrame('{"type":"batch"');
    expect(world.names).toEqual(['connected', 'error', 'disconnected']);
    expect(world.events[1]).toEqual(['error', expect.objectContaining({ name: 'unreadable', code: 293 })]);
    world.clock.advance(250);
    expect(world.network.sockets).toHaveLength(2);
  });

  it('is left when it speaks another protocol', async () => {
    const world = new World();
    await settled();
    world.socket.open('');
    expect(world.socket.sent).toEqual([]);
    expect(world.names).toEqual(['error', 'disconnected']);
  });

  it('ends the client when it does not take connect', async () => {
    const world = new World();
    await settled();
    world.socket.open();
    const { id } = world.socket.last('connect');
    world.socket.receive({ type: 'error', id, code: 104, message: 'only version 9' });
    expect(world.names).toEqual(['error', 'closed']);
    expect(world.events[0]).toEqual(['error', expect.objectContaining({ name: 'unsupported_version' })]);
  });

  it('may say things that nobody asked for', async () => {
    const world = await connected();
    world.socket.receive(
      { type: 'published', id: 999 },
      { type: 'subscribed', id: 999, channels: [{ channel: 'x', number: 1, sequence: 1 }] },
      { type: 'gap', channel: 'x', reason: 'bridge' },
      { type: 'pong', id: 999, time: 1 },
      { type: 'presence' },
      { type: 'error', code: 109, message: 'yours?' },
    );
    expect(world.names).toEqual(['connected', 'error']);
  });
});

describe('the token', () => {
  it('is asked for before each attempt', async () => {
    let count = 0;
    const world = new World({
      token: async () => {
        count += 1;
        return `token ${count}`;
      },
    });
    await settled();
    world.socket.welcome();
    world.socket.end();
    world.clock.advance(250);
    await settled();
    world.socket.open();
    expect(world.network.sockets.map((socket) => socket.last('connect').token)).toEqual([
      'token 1',
      'token 2',
    ]);
  });

  it('that cannot be had is an error, and asked for again later', async () => {
    const token = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('no network'));
    token.mockResolvedValueOnce('late');
    const world = new World({ token });
    await settled();
    expect(world.names).toEqual(['error', 'disconnected']);
    expect(world.events[0]).toEqual([
      'error',
      expect.objectContaining({ name: 'token_failed', retryable: true, cause: new Error('no network') }),
    ]);
    world.clock.advance(250);
    await settled();
    world.socket.open();
    expect(world.socket.last('connect').token).toBe('late');
  });

  it('that does not come in time is not waited for, and not used when it comes', async () => {
    let give = (_token: string) => {};
    const world = new World({ token: () => new Promise((resolve) => (give = resolve)) });
    await settled();
    const giveLate = give;
    world.clock.advance(10_000);
    expect(world.names).toEqual(['error', 'disconnected']);
    giveLate('late');
    await settled();
    expect(world.network.sockets).toEqual([]);
    world.clock.advance(250);
    await settled();
    give('in time');
    await settled();
    expect(world.network.sockets).toHaveLength(1);
  });
});

describe('close', () => {
  it('settles everything, and resolves when the node has answered', async () => {
    const world = await connected();
    const chat = world.client.subscribe('chat');
    const waiting = [chat.ready(), world.client.publish('chat', 'hi')].map((each) =>
      each.catch(({ name }) => name),
    );
    const closed = world.client.close();
    expect(world.socket.closes).toEqual([1000]);
    expect(await Promise.all(waiting)).toEqual(['closed', 'outcome_unknown']);
    expect(world.names).toEqual(['connected', 'closed']);
    world.socket.receive(batch('chat', 1, 'late'));
    world.socket.receiveFrame('late and unreadable');
    world.socket.end(1000);
    await closed;
    expect(world.clock.timers).toBe(0);
    expect(world.awake).toBe(false);
    await world.client.close();
    expect(world.events.at(-1)).toEqual(['closed', { error: null }]);
    expect(world.names).toEqual(['connected', 'closed']);
  });

  it('waits a second for a node that does not answer', async () => {
    const world = await connected();
    const closed = world.client.close();
    world.clock.advance(1_000);
    await closed;
  });

  it.each(['at once', 'while it connects', 'while it waits'])('works %s', async (when) => {
    const world = new World();
    const published = world.client.publish('chat', 'hi').catch(({ name }) => name);
    if (when !== 'at once') await settled();
    if (when === 'while it waits') world.socket.end();
    const sockets = world.network.sockets.length;
    const closed = world.client.close();
    if (when === 'while it connects') world.socket.end();
    await closed;
    expect(await published).toBe('closed');
    await settled();
    world.clock.advance(60_000);
    expect(world.network.sockets).toHaveLength(sockets);
    expect(world.clock.timers).toBe(0);
    await expect(world.client.ready()).rejects.toMatchObject({ name: 'closed' });
  });
});

it('writes an error that nobody listens for to the console', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  const { clock, network } = new World();
  const client = new Client(
    'ws://node',
    {},
    {
      clock,
      random: () => 0.5,
      WebSocket: network.WebSocket,
      pageUrl: undefined,
      onWake: () => () => {},
    },
  );
  await settled();
  network.socket.open();
  network.socket.receiveFrame('?');
  expect(log).toHaveBeenCalledExactlyOnceWith(
    'outcry: unreadable (293): a frame of the node: JSON was expected',
  );
  await client.close();
});
