/**
 * Listeners: what they bind, that they are apart from each other, and what their end is.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { handshakeBytes, RawPeer } from '../support/raw-peer.ts';
import { listen, pause, publish, resume, send, stop, subscribe } from './commands.ts';
import { HostProcess } from './host-process.ts';

let host: HostProcess;
beforeAll(async () => {
  host = await HostProcess.start();
});
afterAll(() => host.stop());

async function listening(name: string): Promise<number> {
  const [port] = await host.turn(listen(name));
  expect(port).toBeGreaterThan(0);
  return port as number;
}

describe('a listener that is paused', () => {
  it('takes nobody, keeps its sockets and their topics, and takes newcomers beside them when it goes on', async () => {
    const [port] = (await freePorts(1)) as [number];
    await host.turn(listen('pausing', { port }));
    const sockets = [await host.connect({ port })];
    for (let round = 0; round < 2; round += 1) {
      await host.turn(pause('pausing'));
      await host.turn(pause('pausing'));
      const refused = new RawPeer(port);
      refused.send(handshakeBytes());
      await refused.closed;
      expect(refused.received).toEqual(Buffer.alloc(0));
      const [first] = sockets as [(typeof sockets)[0]];
      await host.turn(subscribe(first, 'topic'), publish('topic', `paused ${round}`, 'pausing'));
      for (const { client } of sockets) expect(await client.text()).toBe(`paused ${round}`);
      await host.turn(resume('pausing'));
      sockets.push(await host.connect({ port }));
      for (const socket of sockets) await host.turn(subscribe(socket, 'topic'));
      const [result] = await host.turn(publish('topic', `again ${round}`, 'pausing'));
      expect(result).not.toBe('dropped');
      for (const { client } of sockets) expect(await client.text()).toBe(`again ${round}`);
    }
    const [first, last] = [sockets[0], sockets[2]] as [(typeof sockets)[0], (typeof sockets)[0]];
    await last.client.close();
    await host.turn(publish('topic', 'fewer', 'pausing'));
    expect(await first.client.text()).toBe('fewer');
    await host.turn(stop('pausing'));
  });
});

describe('two listeners', () => {
  it('have sockets and topics of their own', async () => {
    const port = await listening('second');
    const [first, second] = [await host.connect(), await host.connect({ port })];
    await host.turn(subscribe(first, 'same'), subscribe(second, 'same'));
    await host.turn(publish('same', 'to the first'), publish('same', 'to the second', 'second'));
    await host.turn(send(first, 'end'), send(second, 'end'));
    expect([await first.client.text(), await first.client.text()]).toEqual(['to the first', 'end']);
    expect([await second.client.text(), await second.client.text()]).toEqual(['to the second', 'end']);
  });

  it('have limits of their own', async () => {
    const [port] = await host.turn(listen('small', { maxPayloadBytes: 10 }));
    const [large, small] = [await host.connect(), await host.connect({ port: port as number })];
    large.client.send('x'.repeat(11));
    small.client.send('x'.repeat(11));
    await host.event('received', large);
    expect((await host.event('closed', small)).code).toBe(1009);
  });

  it('end one by one: a stopped one takes nobody any more, the other one goes on', async () => {
    const port = await listening('ends');
    await host.turn(stop('ends'));
    const peer = new RawPeer(port);
    peer.send(handshakeBytes());
    await peer.closed;
    expect(peer.received).toEqual(Buffer.alloc(0));
    const socket = await host.connect();
    await host.turn(send(socket, 'still here'));
    expect(await socket.client.text()).toBe('still here');
  });
});

describe('a port', () => {
  it('is free again after its listener has stopped', async () => {
    const port = await listening('again');
    expect(await host.turn(stop('again'), listen('again', { port }))).toEqual([null, port]);
    await host.connect({ port });
  });

  const taken = (port: number) => ({
    threw: 'UserError',
    message: `port ${port} on 127.0.0.1 is taken, perhaps by another node: stop it or choose another port`,
  });

  it('that another listener has is taken', async () => {
    expect(await host.turn(listen('rival', { port: host.port }))).toEqual([taken(host.port)]);
  });

  it('that another process has is taken', async () => {
    const other = await HostProcess.start();
    expect(await host.turn(listen('rival', { port: other.port }))).toEqual([taken(other.port)]);
    await other.stop();
  });

  it('that another program has is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await host.turn(listen('rival', { port }))).toEqual([taken(port)]);
    server.close();
  });

  it('that is bound for all addresses is taken for one, too', async () => {
    const [port] = await host.turn(listen('everywhere', { host: '0.0.0.0' }));
    expect(await host.turn(listen('rival', { port: port as number }))).toEqual([taken(port as number)]);
  });
});

it.each(['192.0.2.1', 'no-such-host.invalid'])(
  'the address %s, which is not here, is refused',
  async (address) => {
    expect(await host.turn(listen('elsewhere', { host: address }))).toEqual([
      { threw: 'UserError', message: `this machine has no address ${address}` },
    ]);
  },
);

it('localhost is an address', async () => {
  const [port] = await host.turn(listen('by name', { host: 'localhost' }));
  expect(port).toBeGreaterThan(0);
});
