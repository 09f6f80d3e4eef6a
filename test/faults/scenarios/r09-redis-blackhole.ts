/**
 * R9: nothing passes between one node and Redis any more, and nobody is told; 30 s later the network is well again. Then
 * the same with a network that refuses, so that nothing is left in the kernels: long enough both times for the other nodes
 * to forget the one that fell silent.
 */
import { post } from '../../support/api.ts';
import type { TestNode } from '../../support/node.ts';
import { atMost, exactly, holds } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

export const redisBlackhole: Scenario = {
  id: 'R9',
  fault: 'a node and Redis do not reach each other for 30 s, in silence',
  manner: 'waits',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: around.short ? 60 : 300,
      channels: 20,
      messagesPerSecond: 50,
    });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const memoryBefore = await node.residentBytes();
    stage.fault('blackhole between node 1 and Redis');
    stage.links[0]?.blackhole();
    const answers: { status: number; ms: number }[] = [];
    const until = performance.now() + (around.short ? 6_000 : 30_000);
    while (performance.now() < until) {
      const askedAt = performance.now();
      const { status } = await post(node, 'publish', { channel: 'asked', text: 'x' });
      answers.push({ status, ms: performance.now() - askedAt });
      await stage.pass(100);
    }
    const memoryAfter = await node.residentBytes();
    const red = stage.health[0]?.msUntil('red', stage.faultAt) ?? null;
    await stage.links[0]?.pass();
    stage.healed('the network is well');
    await stage.untilReady();
    const green = stage.health[0]?.msUntil('green', stage.healedAt) ?? null;
    await stage.pass(3_000);
    stage.fault('the network between node 1 and Redis is closed');
    await stage.links[0]?.refuse();
    await stage.pass(around.short ? 13_000 : 30_000);
    await stage.links[0]?.pass();
    stage.healed('the network is well');
    await stage.untilReady();
    await stage.pass(3_000);
    await stage.finish();
    return stage.result([
      exactly('disconnects', stage.disconnects, 0),
      atMost('longest answer of the publish API', Math.max(...answers.map(({ ms }) => ms)), 5_000, ' ms'),
      holds(
        '503 from then on',
        answers.slice(-10).every(({ status }) => status === 503),
      ),
      atMost('memory grown', (memoryAfter - memoryBefore) / 1e6, 60, ' MB'),
      atMost('not ready after', red, 5_000, ' ms'),
      atMost('ready after the heal', green, 2_000, ' ms'),
      atMost('told after the heal', stage.toldAfterHealMs, 5_000, ' ms'),
      atMost('everything arrives again, after the heal', stage.deliveringAfterHealMs, 2_000, ' ms'),
    ]);
  },
};
