import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { TcpProxy } from './lab/tcp-proxy.ts';

/** Says everything back. */
let echo: Server;
let proxy: TcpProxy;
const clients: Socket[] = [];
beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await TcpProxy.start((echo.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.stop();
  echo.close();
});

async function dial(): Promise<Socket> {
  const client = connect(proxy.port, '127.0.0.1');
  clients.push(client);
  client.on('error', () => {});
  await once(client, 'connect');
  return client;
}

async function says(client: Socket, text: string): Promise<string> {
  client.write(text);
  const [bytes] = await once(client, 'data');
  return String(bytes);
}

it('carries bytes both ways, and ends', async () => {
  const client = await dial();
  expect(await says(client, 'hello')).toBe('hello');
  client.end();
  await once(client, 'close');
  await until(
    () => proxy.connections,
    (open) => open === 0,
  );
});

it('cuts what is open and takes what comes next', async () => {
  const client = await dial();
  await says(client, 'hello');
  const closed = new Promise((resolve) => client.once('close', resolve));
  proxy.cut();
  await closed;
  expect(await says(await dial(), 'again')).toBe('again');
});

it('refuses until it passes again', async () => {
  await proxy.refuse();
  const refused = connect(proxy.port, '127.0.0.1');
  const [error] = await once(refused, 'error');
  expect(error.code).toBe('ECONNREFUSED');
  await proxy.pass();
  expect(await says(await dial(), 'hello')).toBe('hello');
});

it.each(['both', 'to server', 'to client'] as const)(
  'holds back what is sent into a blackhole (%s)',
  async (way) => {
    const client = await dial();
    await says(client, 'before');
    proxy.blackhole(way);
    const late = await dial();
    const heard: string[] = [];
    for (const each of [client, late]) {
      each.on('data', (bytes) => heard.push(String(bytes)));
      each.write('held');
    }
    await new Promise((resolve) => setTimeout(resolve, 100)); // Nothing may come in this time.
    expect(heard).toEqual([]);
    await proxy.pass();
    await until(
      () => heard.join(),
      (all) => all === 'held,held',
    );
  },
);

it('carries no more than it is allowed to', async () => {
  const client = await dial();
  await says(client, 'hello');
  proxy.throttle(100_000);
  const startedAt = performance.now();
  let bytes = 0;
  client.on('data', (chunk) => {
    bytes += chunk.length;
  });
  for (let index = 0; index < 50; index += 1) client.write(Buffer.alloc(1_000));
  await until(
    () => bytes,
    (all) => all === 50_000,
  );
  expect(performance.now() - startedAt).toBeGreaterThan(200);
});
