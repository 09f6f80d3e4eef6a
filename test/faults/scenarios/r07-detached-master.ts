/**
 * R7: the sentinels name another master, and the old one lives on without hearing of it. One node finds the new one; the
 * other two talk to each other on the old one, where everything seems to be well.
 */
import { atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { SentinelTopology } from '../lab/sentinel-topology.ts';
import { Stage } from '../lab/stage.ts';

const bound = 10_000;

export const detachedMaster: Scenario = {
  id: 'R7',
  fault: 'a split: one node finds the new master, two stay with a detached old one',
  manner: 'waits',
  async run(around) {
    const topology = await SentinelTopology.start();
    around.cleanUp(() => topology.stop());
    const stage = await Stage.open(around, {
      listeners: 60,
      channels: 20,
      messagesPerSecond: 30,
      redisUrl: topology.url,
    });
    await stage.speak();
    const old = await topology.detach();
    stage.fault('node 3 finds the new master');
    await topology.cutOff(old, stage.boots[2] as string);
    await stage.pass(500);
    const foundMs = await stage
      .untilAllOn(() => topology.master(), 2 * bound)
      .then(
        () => performance.now() - stage.faultAt,
        () => null,
      );
    stage.healed('all are there, or never will be');
    await stage.pass(3_000);
    await stage.finish();
    const red = (index: number) => stage.health[index]?.msUntil('red', stage.faultAt) ?? null;
    return stage.result(
      [
        atMost('all nodes on the new master after', foundMs, bound, ' ms'),
        atMost('first node that was astray not ready after', red(0), bound, ' ms'),
        atMost('second node that was astray not ready after', red(1), bound, ' ms'),
        exactly('disconnects', stage.disconnects, 0),
      ],
      { redisKept: false },
    );
  },
};
