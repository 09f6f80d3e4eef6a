/**
 * R16: a node stands still (SIGSTOP) for a while that is shorter than the ping timeout, and goes on.
 */
import type { TestNode } from '../../support/node.ts';
import { atLeast, atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

/** A node looks twice a second how late its loop is, and knows nothing of what was before the next look was due. */
const lookEverySeconds = 0.5;

export const frozenNode: Scenario = {
  id: 'R16',
  fault: 'a node stands still (SIGSTOP) for 2, 10 and 30 s',
  manner: 'waits',
  async run(around) {
    const stage = await Stage.open(around, { listeners: 60, channels: 20, messagesPerSecond: 50 });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const pauses = around.short ? [2, 8] : [2, 10, 30];
    const lagBefore = await node.metric('outcry_loop_delay_seconds_sum');
    for (const seconds of pauses) {
      stage.fault(`node 1 stands still for ${seconds} s`);
      node.freeze();
      await stage.pass(seconds * 1_000);
      node.thaw();
      stage.healed('it goes on');
      await stage.untilReady();
      await stage.pass(2_000);
    }
    const red = stage.health[0]?.msUntil('red', stage.faultAt) ?? null;
    const green = stage.health[0]?.msUntil('green', stage.healedAt) ?? null;
    const lag = (await node.metric('outcry_loop_delay_seconds_sum')) - lagBefore;
    const stoodStill = pauses.reduce((sum, each) => sum + each);
    await stage.finish();
    return stage.result([
      exactly('disconnects', stage.disconnects, 0),
      atMost('not ready after', red, 5_000, ' ms'),
      atMost('ready after', green, 5_000, ' ms'),
      atLeast('standstill that the node reports', lag, stoodStill - pauses.length * lookEverySeconds, ' s'),
    ]);
  },
};
