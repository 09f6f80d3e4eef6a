/**
 * R5: nodes start while there is no Redis, and it comes later.
 */
import { atMost, exactly, holds, slowest } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

export const lateRedis: Scenario = {
  id: 'R5',
  fault: 'nodes start without Redis, which comes later',
  manner: 'waits',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: 30,
      channels: 10,
      messagesPerSecond: 30,
      withoutRedis: true,
    });
    const statuses = await Promise.all(
      stage.nodes.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/health/live`)).status),
    );
    stage.fault('there is no Redis');
    await stage.pass(around.short ? 3_000 : 20_000);
    const greenBefore = stage.health.map((watch) => watch.greenMs(0, performance.now()));
    await stage.redis.start();
    stage.healed('Redis answers');
    await stage.untilReady();
    const ready = slowest(stage.health.map((watch) => watch.msUntil('green', stage.healedAt)));
    await stage.fill();
    await stage.speak();
    await stage.pass(2_000);
    await stage.finish();
    return stage.result([
      holds(
        'live at once',
        statuses.every((status) => status === 200),
      ),
      exactly('time in which a node called itself ready before', Math.max(...greenBefore), 0),
      atMost('ready after Redis answers', ready, 1_000, ' ms'),
      exactly('nodes that ended', await stage.gone(), 0),
    ]);
  },
};
