/**
 * R18: a node with 256 descriptors is connected to by a thousand who say nothing, and then Redis starts again. It does not spin, goes on
 * for those who are there, finds Redis, and takes newcomers as soon as it can.
 */
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { TestClient } from '../../support/client.ts';
import type { TestNode } from '../../support/node.ts';
import { until } from '../../support/until.ts';
import { FeltByOthers } from '../lab/felt-by-others.ts';
import { atLeast, atMost, exactly, timed } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const limit = 256;
const strangers = 1_000;
const turnMs = 3_000;
const mostOfACore = 0.2;
const knockEveryMs = 50;

export const descriptors: Scenario = {
  id: 'R18',
  fault: 'a node runs out of descriptors, and Redis starts again',
  manner: 'alone',
  whyNot,
  async run(around) {
    const rounds = around.short ? 2 : 7;
    const stage = await Stage.open(around, {
      nodes: 1,
      listeners: 20,
      channels: 10,
      messagesPerSecond: 20,
      within: ['prlimit', `--nofile=${limit}:${limit}`],
    });
    const [node] = stage.nodes as [TestNode];
    await stage.speak();
    const others = await FeltByOthers.begin(stage, turnMs);
    const welcomeMs: number[] = [];
    const bridgeMs: number[] = [];
    let most = 0;
    for (let round = 1; round <= rounds; round += 1) {
      await others.without();
      stage.fault(`${strangers} connect and say nothing, ${round} of ${rounds}`);
      const crowd = Array.from({ length: strangers }, () => stranger(node.port));
      await until(
        () => node.logs.filter((line) => line.includes('descriptors are about to run out')).length,
        (pauses) => pauses >= round,
        { what: `pause ${round} of the port` },
      );
      const [from, cpuBefore] = [performance.now(), await cpuSeconds(node)];
      await stage.pass(turnMs);
      others.beside(from);
      most = Math.max(most, ((await cpuSeconds(node)) - cpuBefore) / ((performance.now() - from) / 1_000));

      await stage.redis.kill();
      await node.untilMetric('outcry_bridge_connected', 0);
      await stage.redis.start();
      const startedAt = stage.healed('Redis answers again');
      await node.untilMetric('outcry_bridge_connected', 1);
      bridgeMs.push(performance.now() - startedAt);

      const leftAt = stage.healed('they are gone');
      for (const socket of crowd) socket.destroy();
      const newcomer = await until(
        async () => {
          await stage.pass(knockEveryMs);
          return await TestClient.open(node.url).catch(() => null);
        },
        (client) => client !== null,
        { what: 'a newcomer' },
      );
      welcomeMs.push(performance.now() - leftAt);
      newcomer?.socket.terminate();
    }
    await stage.finish();
    return stage.result(
      [
        timed(atMost('most of a core while nobody can be taken', most, mostOfACore)),
        ...others.lines(0.1),
        atMost('the bridge is back after Redis', Math.max(...bridgeMs), 2_000, ' ms'),
        atMost('a newcomer is taken after the strangers left', Math.max(...welcomeMs), 1_000, ' ms'),
        exactly('disconnects of those who are there', stage.disconnects, 0),
        atLeast('times that the port was closed', await node.metric('outcry_listener_pauses_total'), rounds),
      ],
      { redisKept: false },
    );
  },
};

function stranger(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  return socket.on('error', () => {}); // Most of them are refused.
}

async function cpuSeconds(node: TestNode): Promise<number> {
  return await node.metric('process_cpu_seconds_total');
}

function whyNot(): string | null {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'pipe' });
    return null;
  } catch {
    return 'the command prlimit is missing: apt-get install util-linux installs it';
  }
}
