/**
 * R8: a node stands still under load until Redis cuts it off for not reading, and goes on.
 */
import type { TestNode } from '../../support/node.ts';
import { atLeast, atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

export const outputBuffer: Scenario = {
  id: 'R8',
  fault: 'Redis cuts off a node that stood still for 10 s under load',
  manner: 'alone',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: 12,
      channels: 4,
      messagesPerSecond: 60,
      // The kernels take some megabytes before anything waits in Redis.
      fillerLength: 24_000,
      redisFlags: ['--client-output-buffer-limit', 'pubsub', '1mb', '512kb', '5'],
    });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const gaps = 'outcry_bridge_possible_gaps_total';
    const before = await node.metric(gaps);
    stage.fault('node 1 stands still');
    node.freeze();
    await stage.pass(around.short ? 9_000 : 10_000);
    node.thaw();
    stage.healed('it goes on');
    await stage.pass(1_000);
    await stage.untilReady();
    await stage.pass(3_000);
    await stage.finish();
    const green = stage.health[0]?.msUntil('green', stage.healedAt) ?? null;
    return stage.result([
      atLeast('times that the node found it was cut off', (await node.metric(gaps)) - before, 1),
      atMost('told after it goes on', stage.toldAfterHealMs, 5_000, ' ms'),
      atMost('ready after it goes on', green, 5_000, ' ms'),
      exactly('disconnects', stage.disconnects, 0),
    ]);
  },
};
