/**
 * A Redis Cluster of a benchmark's own: three masters, no replicas.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { redisIsReady, spawnRedis } from '../../scripts/cluster/redis.ts';
import { monotonicMs } from '../generator/monotonic.ts';
import type { Running } from './running.ts';

const masters = 3;
const slots = 16_384;
const startTimeoutMs = 20_000;

export interface Masters {
  /** As `--redis` takes it. */
  readonly url: string;
  readonly pids: readonly number[];
}

/** Resolves when it serves all slots. */
export async function startThreeMasters(running: Running): Promise<Masters> {
  const ports = await freePorts(2 * masters);
  const servers = ports.slice(0, masters).map((port, index) => {
    // Each keeps what it knows of the others in its folder.
    const folder = mkdtempSync(join(tmpdir(), 'outcry-bench-'));
    running.add({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
    const args = ['--cluster-enabled', 'yes', '--cluster-port', `${ports[masters + index]}`];
    return {
      port,
      busPort: `${ports[masters + index]}`,
      child: running.add(spawnRedis({ port, folder, args })),
    };
  });
  await Promise.all(servers.map(({ child, port }) => redisIsReady(child, port)));
  const clients = servers.map(({ port }) => new Redis(port, '127.0.0.1'));
  for (const [index, client] of clients.entries()) {
    const first = Math.ceil((slots * index) / masters);
    const last = Math.ceil((slots * (index + 1)) / masters) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
  }
  for (const { port, busPort } of servers)
    await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  const giveUpAt = monotonicMs() + startTimeoutMs;
  for (;;) {
    const infos = await Promise.all(clients.map((client) => client.call('CLUSTER', 'INFO')));
    if (infos.every((info) => String(info).includes(`cluster_slots_ok:${slots}`))) break;
    if (monotonicMs() > giveUpAt) throw new Error('the masters of a Redis Cluster do not find each other');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const client of clients) client.disconnect();
  return {
    url: `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join()}`,
    pids: servers.map(({ child }) => child.pid),
  };
}
