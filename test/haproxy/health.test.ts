/**
 * What HAProxy makes of the answers of the health routes, in both modes.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBackend } from '../support/backend.ts';
import { TestClient } from '../support/client.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';

describe.each(['http', 'tcp'] as const)('in mode %s', (mode) => {
  let backends: [TestBackend, TestBackend];
  let haproxy: TestHaproxy;
  beforeEach(async () => {
    backends = [await TestBackend.start(), await TestBackend.start()];
    haproxy = await startHaproxy({ mode, nodePorts: backends.map(({ port }) => port) });
  });
  afterEach(async () => {
    await haproxy?.stop();
    await Promise.all(backends.map((backend) => backend.stop()));
  });

  const connect = async (count: number) => {
    const clients: TestClient[] = [];
    for (let index = 0; index < count; index += 1) clients.push(await TestClient.open(haproxy.url));
    return clients;
  };
  const open = () => backends.map((backend) => backend.open);
  const expectEchoes = async (clients: TestClient[]) => {
    for (const client of clients) client.send('?');
    for (const client of clients) expect(await client.text()).toBe('?');
  };

  it('sends nobody new to a node that answers 404, keeps its clients, and takes it back', async () => {
    const clients = await connect(4);
    expect(open()).toEqual([2, 2]);
    backends[0].health.ready = 404;
    await haproxy.untilStatus('node-1', 'NOLB');
    clients.push(...(await connect(4)));
    expect(open()).toEqual([2, 6]);
    await expectEchoes(clients);

    backends[0].health.ready = 200;
    await haproxy.untilStatus('node-1', 'UP');
    backends[1].health.ready = 404;
    await haproxy.untilStatus('node-2', 'NOLB');
    clients.push(...(await connect(2)));
    expect(open()).toEqual([4, 6]);
    for (const client of clients) await client.close();
  });

  it('serves newcomers and cuts nobody when every node is unready, and comes back', async () => {
    const clients = await connect(4);
    for (const { health } of backends) health.ready = 503;
    await Promise.all(['node-1', 'node-2'].map((name) => haproxy.untilStatus(name, 'DOWN')));
    clients.push(...(await connect(4)));
    expect(open()).toEqual([4, 4]);
    await expectEchoes(clients);
    expect((await haproxy.server('node-1', 'nodes_alive')).current).toBe(2);

    backends[0].health.ready = 200;
    await haproxy.untilStatus('node-1', 'UP');
    clients.push(...(await connect(2)));
    expect(open()).toEqual([6, 4]);
    await expectEchoes(clients);
    for (const client of clients) await client.close();
  });
});
