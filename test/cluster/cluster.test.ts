/**
 * The cluster runner: what it starts, what clients get, and that it leaves nothing behind however it ends.
 */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts, isFree } from '../../scripts/cluster/ports.ts';
import { TestClient } from '../support/client.ts';
import { TestCluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';

const clusters: TestCluster[] = [];
function cluster(flags: string[] = [], env: NodeJS.ProcessEnv = {}): TestCluster {
  const started = new TestCluster(flags, env);
  clusters.push(started);
  return started;
}
afterEach(async () => {
  for (const started of clusters.splice(0)) {
    await started.stop();
    await until(
      () => [...started.leftProcesses(), ...started.leftFiles()],
      (left) => left.length === 0,
      { what: 'a clean end' },
    );
  }
});

/** A client and the node that it is on. */
async function arrive(url: string, options = {}): Promise<{ client: TestClient; node: string }> {
  const client = await TestClient.open(`${url}/?hello=1`, options);
  return { client, node: JSON.parse(await client.text()).node };
}

const portOf = (address = '') => Number(/:(\d+)/.exec(address.replace(/^\w+:/, ''))?.[1]);

describe.each([
  ['in HTTP mode', []],
  ['in TCP mode', ['--l4']],
])('a cluster %s', (_name, flags) => {
  it('lets everybody on every node hear everybody, in order, and ends on SIGTERM with nothing left', async () => {
    const running = await cluster([...flags, '--tls', '--nodes', '3']).ready();
    const [url = '', secureUrl = '', statistics = ''] = running.part('haproxy').addresses;
    const room = [
      await arrive(url),
      await arrive(url),
      await arrive(secureUrl, { rejectUnauthorized: false }),
      await arrive(url),
    ];
    expect(new Set(room.map(({ node }) => node))).toEqual(new Set(['node-1', 'node-2', 'node-3']));

    for (const [index, { client }] of room.entries())
      for (let number = 0; number < 20; number += 1) client.send(`${index} ${number}`);
    for (const { client } of room) {
      const heard: string[] = [];
      while (heard.length < 80) heard.push(await client.text());
      for (const index of room.keys())
        expect(heard.filter((text) => text.startsWith(`${index} `))).toEqual(
          Array.from({ length: 20 }, (_, number) => `${index} ${number}`),
        );
    }

    running.signal('SIGTERM');
    for (const { client } of room) expect((await client.closed).code).toBe(1001);
    expect(await running.exited).toBe(0);
    expect(running.leftProcesses()).toEqual([]);
    const ports = ['redis', 'node-1', 'node-2', 'node-3']
      .flatMap((name) => running.part(name).addresses)
      .concat(url, secureUrl, statistics)
      .map(portOf);
    expect(ports).toHaveLength(10);
    for (const port of ports) expect(await isFree(port), `${port}`).toBe(true);
  });
});

describe('a cluster', () => {
  it('says which part died, starts nothing again, and goes on', async () => {
    const running = await cluster(['--nodes', '2']).ready();
    const [url = ''] = running.part('haproxy').addresses;
    process.kill(running.part('node-2').pid, 'SIGKILL');
    await running.printed(/^cluster \| node-2 has ended with 137/);
    const { client, node } = await arrive(url);
    expect(node).toBe('node-1');
    client.send('hello');
    expect(await client.text()).toBe('hello');

    process.kill(running.part('redis').pid, 'SIGKILL');
    await running.printed(/^cluster \| redis has ended with 137/);
    client.send('alone');
    expect(await client.text()).toBe('alone');
    expect(running.leftProcesses().some((each) => /redis-server|node-2/.test(each))).toBe(false);
  });

  it('ends in order on one Ctrl-C that arrives three times', async () => {
    const running = await cluster(['--nodes', '1']).ready();
    for (let times = 0; times < 3; times += 1) running.signal('SIGINT');
    expect(await running.exited).toBe(0);
  });

  it('ends while it is still starting', async () => {
    const running = cluster(['--nodes', '2']);
    await until(
      () => running.leftProcesses(),
      (processes) => processes.some((each) => /redis-server/.test(each)),
    );
    expect(await running.stop()).toBe(0);
    expect(running.leftProcesses()).toEqual([]);
  });

  it('takes its parts along when it is killed', async () => {
    const running = await cluster(['--nodes', '1']).ready();
    running.signal('SIGKILL');
    await running.exited;
    await until(
      () => running.leftProcesses(),
      (processes) => processes.length === 0,
    );
    running.forgetFiles();
  });

  it('ends frozen parts, too', async () => {
    const running = await cluster(['--nodes', '1']).ready();
    for (const name of ['redis', 'node-1', 'haproxy']) process.kill(running.part(name).pid, 'SIGSTOP');
    expect(await running.stop()).toBe(0);
  });
});

describe('a cluster that cannot start', () => {
  it('names every port that is taken and the flag that chooses another', async () => {
    const [port = 0, statsPort = 0] = await freePorts(2);
    const others = [port, statsPort].map((each) => createServer().listen(each, '127.0.0.1'));
    try {
      const failed = cluster(['--port', `${port}`, '--stats-port', `${statsPort}`]);
      expect(await failed.exited).toBe(3);
      expect(failed.lines).toEqual([
        `cluster: port ${port}, for HAProxy, is taken; choose another with --port`,
        `cluster: port ${statsPort}, for its statistics, is taken; choose another with --stats-port`,
      ]);
    } finally {
      for (const other of others) other.close();
    }
  });

  it('says which part failed, in its own words, and ends the others', async () => {
    const failed = cluster(['--nodes', '2'], { OUTCRY_MAX_PAYLOAD_BYTES: '0' });
    expect(await failed.exited).toBe(1);
    expect(failed.lines[0]).toMatch(/^cluster: node-[12] ended with 2 before it was ready:$/);
    expect(failed.lines[1]).toMatch(/^ {2}outcry: OUTCRY_MAX_PAYLOAD_BYTES: "0" is not allowed/);
    expect(failed.leftProcesses()).toEqual([]);
  });

  it('refuses a wrong flag with 2', async () => {
    const failed = cluster(['--nodes', 'many']);
    expect(await failed.exited).toBe(2);
    expect(failed.lines).toEqual([
      'cluster: --nodes: "many" is not allowed; it must be a whole number from 1 to 8',
    ]);
  });
});
