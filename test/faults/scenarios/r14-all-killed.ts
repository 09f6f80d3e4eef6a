/**
 * R14: all nodes are killed at once and start again, so that every client comes back as one of a herd. It is spread by the back-off of
 * the clients, and what they have missed is read once for each channel and node, and not for each of them.
 */
import { startHaproxy } from '../../support/haproxy.ts';
import { atMost, exactly, timed } from '../lab/line.ts';
import { percentile } from '../lab/percentile.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

/** The longest that the SDK waits between two attempts. */
const backoffCapMs = 20_000;
const channels = 10;
/** By each node of each channel: to know where it stands, to have what was missed, and once more for who has missed more. */
const readsOfEach = 3;
const sampleEveryMs = 250;

export const allKilled: Scenario = {
  id: 'R14',
  fault: 'all nodes are killed (SIGKILL) and start again',
  manner: 'alone',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: around.short ? 150 : 600,
      channels,
      messagesPerSecond: 20,
      async front(nodePorts) {
        const haproxy = await startHaproxy({ mode: 'http', nodePorts });
        around.cleanUp(() => haproxy.stop());
        return haproxy.url;
      },
    });
    await stage.speak();
    await stage.pass(3_000);
    const steady = await memoryOf(stage);
    stage.fault('SIGKILL to all nodes');
    await Promise.all(stage.nodes.map((node) => node.kill()));
    const startedAt = stage.healed('they start again');
    await Promise.all([...stage.nodes.keys()].map((index) => stage.startNode(index)));
    let most = 0;
    const sampler = setInterval(() => {
      void memoryOf(stage)
        .then((bytes) => {
          most = Math.max(most, bytes);
        })
        .catch(() => {});
    }, sampleEveryMs);
    await stage.untilReady();
    await stage.allBack();
    const reads = await sumOf(stage, 'outcry_history_reads_total');
    await stage.pass(2_000);
    clearInterval(sampler);
    await stage.finish();

    const backAfter = stage.listeners.flatMap(({ outages }) =>
      outages.map(({ joinedAt }) => (joinedAt ?? Number.POSITIVE_INFINITY) - startedAt),
    );
    const kept = around.kinds.includes('history');
    around.say(`all back after ${(Math.max(...backAfter) / 1_000).toFixed(1)} s`);
    return stage.result([
      atMost('99 % are back after the start', percentile(backAfter, 0.99), backoffCapMs + 5_000, ' ms'),
      exactly('clients that are back', stage.connected, stage.listeners.length),
      timed(atMost('most memory, over that before', most / steady, 1.5, ' ×')),
      ...(kept
        ? [
            // A node that stands still compares every channel again.
            timed(atMost('reads of histories', reads, readsOfEach * channels * stage.nodes.length)),
            exactly('told that something is missing', stage.notRecovered, 0),
          ]
        : []),
    ]);
  },
};

async function sumOf(stage: Stage, series: string): Promise<number> {
  const values = await Promise.all(stage.nodes.map((node) => node.metric(series)));
  return values.reduce((sum, each) => sum + each, 0);
}

async function memoryOf(stage: Stage): Promise<number> {
  const values = await Promise.all(stage.nodes.map((node) => node.residentBytes()));
  return values.reduce((sum, each) => sum + each, 0);
}
