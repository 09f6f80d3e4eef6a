/**
 * An exception in a handler costs its own connection 1011, or its own request 500, is reported, and nothing else.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { closeCodes } from '../../src/close-codes.ts';
import { frame, handshakeBytes, RawPeer } from '../support/raw-peer.ts';
import { answer, decide, during, fail, publish, send, subscribe } from './commands.ts';
import { type Connected, HostProcess } from './host-process.ts';

let host: HostProcess;
let healthy: Connected;
beforeAll(async () => {
  host = await HostProcess.start();
});
beforeEach(async () => {
  healthy = await host.connect();
  await host.turn(subscribe(healthy, 'all'));
});
afterAll(() => host.stop());

async function expectTheOthersToLive(): Promise<void> {
  await host.turn(publish('all', 'heard'));
  expect(await healthy.client.text()).toBe('heard');
}

it('in opened', async () => {
  const name = host.newName();
  await host.turn(during({ name }, 'opened', fail('planted in opened')));
  const failing = await host.connect({ name });
  expect(await failing.client.closed).toEqual({ code: 1011, reason: closeCodes.internalError.reason });
  expect(await host.event('error')).toEqual({
    event: 'error',
    where: 'session',
    message: 'planted in opened',
  });
  expect((await host.event('closed', failing)).code).toBe(1011);
  await expectTheOthersToLive();
});

it.each([
  ['received', frame(1, 'x')],
  ['controlFrame', frame(9)],
  ['controlFrame', frame(10)],
] as const)('in %s', async (call, bytes) => {
  const failing = await host.connectRaw();
  await host.turn(
    subscribe(failing, 'all'),
    during(failing, call, send(failing, 'before'), fail(`planted in ${call}`), send(failing, 'never')),
  );
  // Two at once: after the first, nothing of this peer is heard.
  failing.peer.send(Buffer.concat([bytes, bytes]));
  expect(await host.event('error')).toMatchObject({ where: 'session', message: `planted in ${call}` });
  expect((await host.event('closed', failing)).code).toBe(1011);
  let last = await failing.peer.frame();
  const texts: string[] = [];
  for (; last.opcode !== 8; last = await failing.peer.frame())
    if (last.opcode === 1) texts.push(last.payload.toString());
  expect(texts).toEqual(['before']);
  expect(last.payload.readUInt16BE()).toBe(1011);
  await failing.peer.closed;
  expect(host.events(failing).map(({ event }) => event)).toEqual([call]);
  await expectTheOthersToLive();
});

it('in closed', async () => {
  const failing = await host.connect();
  await host.turn(during(failing, 'closed', fail('planted in closed')));
  await failing.client.close();
  expect(await host.event('error')).toMatchObject({ where: 'session', message: 'planted in closed' });
  await expectTheOthersToLive();
});

it.each([
  ['a request', false, ''],
  ['a request that is answered later', true, ''],
  ['a handshake', false, 'websocket'],
  ['a handshake that is answered later', true, 'websocket'],
])('in the handler of %s', async (_name, later, upgrade) => {
  const name = host.newName();
  await host.turn(answer(`/${name}`, { throws: 'planted in handle', later }));
  const peer = new RawPeer(host.port);
  const target = `/${name}`;
  peer.send(
    upgrade === '' ? `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n` : handshakeBytes({ target }),
  );
  await host.event('asked', { name });
  await host.turn(decide(`/${name}`));
  expect(await peer.head()).toMatch(/^HTTP\/1\.1 500 /);
  expect(peer.received.toString()).toBe('internal error\n');
  expect(await host.event('error')).toEqual({
    event: 'error',
    where: 'request',
    message: 'planted in handle',
  });
  peer.destroy();
  await expectTheOthersToLive();
});

it('in the handler of a request whose peer has gone away', async () => {
  const name = host.newName();
  await host.turn(answer(`/${name}`, { throws: 'planted too late', later: true }));
  const peer = new RawPeer(host.port);
  peer.send(handshakeBytes({ target: `/${name}` }));
  await host.event('asked', { name });
  peer.socket.resetAndDestroy();
  await peer.closed;
  await host.turn(decide(`/${name}`));
  expect(await host.event('error')).toMatchObject({ where: 'request', message: 'planted too late' });
  await expectTheOthersToLive();
});
