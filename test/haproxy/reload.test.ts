/**
 * A reload of HAProxy: who is connected stays, newcomers meet the new process.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestBackend } from '../support/backend.ts';
import { TestClient } from '../support/client.ts';
import { startHaproxy, type TestHaproxy } from '../support/haproxy.ts';
import { until } from '../support/until.ts';

describe.each(['http', 'tcp'] as const)('in mode %s', (mode) => {
  let backend: TestBackend;
  let haproxy: TestHaproxy;
  beforeEach(async () => {
    backend = await TestBackend.start();
    haproxy = await startHaproxy({ mode, nodePorts: [backend.port] });
  });
  afterEach(async () => {
    await haproxy?.stop();
    await backend.stop();
  });

  const echo = async (client: TestClient) => {
    client.send('?');
    return await client.text();
  };

  it('by SIGUSR2 keeps tunnels, and the old process ends with the last of them', async () => {
    const before = await TestClient.open(haproxy.url);
    haproxy.signal('SIGUSR2');
    await until(
      () => haproxy.server('node-1').catch(() => null), // Nobody answers while it reads the configuration.
      (server) => server?.total === 0, // The counters of the new process start again.
    );
    const after = await TestClient.open(haproxy.url);
    expect([await echo(before), await echo(after)]).toEqual(['?', '?']);
    expect((await haproxy.server('node-1')).total).toBe(1);
    expect(backend.open).toBe(2);
    await before.close();
    // With whichever code: HAProxy 2.6.12 was seen to crash as the last thing that it did, when nobody was connected to it any more.
    await haproxy.untilLogged(/Former worker \(?\d+\)? exited with code/);
    expect(await echo(after)).toBe('?');
    await after.close();
  });

  it('by -sf does the same, and refuses nobody meanwhile', async () => {
    const before = await TestClient.open(haproxy.url);
    const old = haproxy;
    let reloading = true;
    let newcomers = 0;
    const arriving = (async () => {
      while (reloading) {
        const client = await TestClient.open(old.url);
        expect(await echo(client)).toBe('?');
        await client.close();
        newcomers += 1;
      }
    })();
    haproxy = await old.takenOver();
    reloading = false;
    await arriving;
    expect(newcomers).toBeGreaterThan(0);
    expect(await echo(before)).toBe('?');
    expect(old.running).toBe(true);
    await before.close();
    expect(await old.exited).toBe(0);
  });
});
