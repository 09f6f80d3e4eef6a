/**
 * A node that has no descriptor left: it does not spin, goes on for those who are there, and takes newcomers again (R18).
 */
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../scripts/cluster/ports.ts';
import { TestClient } from '../support/client.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const limit = 256;
/** Launchers and tests share two cores: five times the bar, and a fifth of what the runtimes do by themselves. */
const mostOfACore = 0.5;

let tested: TestNode | null = null;
let redis: TestRedis | null = null;
let idle: Socket[] = [];
afterEach(async () => {
  for (const socket of idle) socket.destroy();
  idle = [];
  await tested?.stop();
  await redis?.kill();
});

async function echo(client: TestClient, text: string): Promise<void> {
  client.send(text);
  expect(await client.text()).toBe(text);
}

const runs = hasPrlimit();

describe.skipIf(!runs)('a node at its descriptor limit', () => {
  it('does not spin, serves who is connected, finds its Redis again, and takes newcomers when it can', async () => {
    redis = await TestRedis.start();
    const [port] = (await freePorts(1)) as [number];
    tested = await startNode(['--port', `${port}`, '--redis', redis.url], {}, [
      'prlimit',
      `--nofile=${limit}:${limit}`,
    ]);
    await tested.untilReady(200);
    const resident = await TestClient.open(tested.url);

    idle = Array.from({ length: 2 * limit }, () => connect(port, '127.0.0.1'));
    for (const socket of idle) socket.on('error', () => {}); // Refused, most of them.
    await tested.untilLog(/descriptors are about to run out/);
    const [cpuBefore, at] = [await cpu(tested), performance.now()];
    for (let i = 0; i < 50; i += 1) {
      await echo(resident, `${i}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const cores = ((await cpu(tested)) - cpuBefore) / ((performance.now() - at) / 1_000);
    expect(cores).toBeLessThan(mostOfACore);

    await redis.kill();
    await tested.untilMetric('outcry_bridge_connected', 0);
    await redis.start();
    await tested.untilMetric('outcry_bridge_connected', 1);

    for (const socket of idle) socket.destroy();
    const newcomer = await until(
      () => TestClient.open((tested as TestNode).url).catch(() => null),
      (client) => client !== null,
      { what: 'a newcomer' },
    );
    await echo(resident, 'still here');
    expect(await (newcomer as TestClient).text()).toBe('still here');
    expect(await tested.metric('outcry_listener_pauses_total')).toBeGreaterThanOrEqual(1);
  });
});

const cpu = (node: TestNode) => node.metric('process_cpu_seconds_total');

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version']);
    return true;
  } catch {
    return false;
  }
}
