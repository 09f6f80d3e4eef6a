import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestBackend } from '../support/backend.ts';
import { useCertificate } from '../support/certificate.ts';
import { TestClient } from '../support/client.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';
import { until } from '../support/until.ts';

/** Connections of one address. */
const most = 3;
const source = '127.0.0.77';
const trusted = '127.0.0.9';

const certificate = useCertificate();

describe.each(['http', 'tcp'] as const)('in mode %s', (mode) => {
  let backend: TestBackend;
  let haproxy: TestHaproxy;
  beforeAll(async () => {
    backend = await TestBackend.start();
    haproxy = await startHaproxy({
      ...{ mode, nodePorts: [backend.port], certificate: certificate.file, massive: true },
      env: {
        PROXY_PER_ADDRESS: String(most),
        PROXY_TRUSTED: `192.0.2.0/24 ${trusted}`,
        PROXY_SOURCE: source,
        PROXY_HARD_STOP: '1s',
      },
    });
  });
  afterAll(async () => {
    await haproxy?.stop();
    await backend.stop();
  });

  const openFrom = (localAddress: string, url = haproxy.url) =>
    TestClient.open(url, { localAddress, rejectUnauthorized: false });

  it('lets so many in from one address, over TLS too, whoever comes from another, and the next when one has left', async () => {
    const own = '127.0.0.2';
    const clients: TestClient[] = [];
    for (let count = 0; count < most; count += 1) clients.push(await openFrom(own));
    await expect(openFrom(own)).rejects.toThrow();
    await expect(openFrom(own, `wss://localhost:${haproxy.tlsPort}`)).rejects.toThrow();
    clients.push(await openFrom('127.0.0.3'));
    await clients.shift()?.close();
    // HAProxy has seen the end when the node has; it counts a little later.
    const next = await until(
      () => openFrom(own).catch(() => null),
      (client) => client !== null,
      { what: 'a place for another one' },
    );
    for (const client of [...clients, next]) await client?.close();
  });

  it('does not count addresses that are trusted', async () => {
    const clients: TestClient[] = [];
    for (let count = 0; count < most + 2; count += 1) clients.push(await openFrom(trusted));
    for (const client of clients) await client.close();
  });

  it('speaks to nodes from its own address', async () => {
    const client = await openFrom('127.0.0.4');
    expect(backend.peers).toContain(source);
    await client.close();
  });

  it('reloads without refusing anybody, and cuts off after `hard-stop-after` only', async () => {
    const before = await openFrom(trusted);
    let reloading = true;
    const newcomers: TestClient[] = [];
    const arriving = (async () => {
      while (reloading) newcomers.push(await openFrom(trusted));
    })();
    haproxy.signal('SIGUSR2');
    await until(
      () => haproxy.server('node-1').catch(() => null),
      (server) => server !== null && server.total < newcomers.length,
      { what: 'a new process, which counts anew' },
    );
    reloading = false;
    await arriving;
    before.send('?');
    expect(await before.text()).toBe('?');
    const last = await openFrom(trusted);
    await before.closed;
    last.send('!');
    expect(await last.text()).toBe('!');
    for (const client of [...newcomers, last]) client.socket.terminate();
  });
});

it('refuses an address that opens connections too fast', async () => {
  const backend = await TestBackend.start();
  const haproxy = await startHaproxy({
    ...{ mode: 'tcp', nodePorts: [backend.port], massive: true },
    env: { PROXY_PER_ADDRESS_RATE: '4' },
  });
  try {
    for (let count = 0; count < 4; count += 1)
      await (await TestClient.open(haproxy.url, { localAddress: '127.0.0.2' })).close();
    await expect(TestClient.open(haproxy.url, { localAddress: '127.0.0.2' })).rejects.toThrow();
    await (await TestClient.open(haproxy.url, { localAddress: '127.0.0.3' })).close();
  } finally {
    await haproxy.stop();
    await backend.stop();
  }
});
