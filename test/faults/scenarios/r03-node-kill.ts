/**
 * R3: SIGKILL to one of three nodes behind HAProxy, while everybody talks. Its clients find their way to the others.
 */
import { startHaproxy } from '../../support/haproxy.ts';
import { atLeast, atMost, exactly } from '../lab/line.ts';
import { percentile } from '../lab/percentile.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

export const nodeKill: Scenario = {
  id: 'R3',
  fault: 'a node is killed (SIGKILL)',
  manner: 'works',
  async run(around) {
    const shortRounds = around.lean ? 1 : 2;
    const rounds = around.short ? shortRounds : 20;
    const stage = await Stage.open(around, {
      listeners: around.short ? 90 : 300,
      channels: 30,
      messagesPerSecond: 60,
      async front(nodePorts) {
        const haproxy = await startHaproxy({ mode: 'http', nodePorts });
        around.cleanUp(() => haproxy.stop());
        return haproxy.url;
      },
    });
    await stage.speak();
    const returns: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const victim = around.random(stage.nodes.length);
      const before = stage.listeners.map(({ outages }) => outages.length);
      if (round > 0) around.say(`round ${round + 1}`);
      stage.fault(`SIGKILL to node ${victim + 1}`);
      await stage.nodes[victim]?.kill();
      await stage.pass(1_000);
      stage.healed('it starts again');
      await stage.startNode(victim);
      await stage.untilReady([victim]);
      await stage.allBack();
      for (const [index, { outages }] of stage.listeners.entries())
        for (const { lostAt, joinedAt, backoffMs } of outages.slice(before[index]))
          returns.push((joinedAt ?? Number.POSITIVE_INFINITY) - lostAt - backoffMs);
      await stage.pass(1_000);
    }
    await stage.finish();
    const kept = around.kinds.includes('history');
    return stage.result([
      // With nothing lost silently and no false alarm: it is said exactly where it is true.
      ...(kept
        ? [
            atLeast(
              'channels with history joined again, and told that nothing is missing',
              stage.recovered,
              1,
            ),
            exactly('told that something is', stage.notRecovered, 0),
          ]
        : []),
      exactly('clients that are back', stage.connected, stage.listeners.length),
      atMost('caught up beyond the own back-off, p99', percentile(returns, 0.99), 3_000, ' ms'),
    ]);
  },
};
