/**
 * R4: Redis is killed and starts again, empty, on the same port after two seconds.
 */
import { atMost, exactly, slowest } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

export const redisRestart: Scenario = {
  id: 'R4',
  fault: 'Redis is killed and starts again empty after 2 s',
  manner: 'works',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: around.short ? 90 : 600,
      channels: around.short ? 30 : 100,
      messagesPerSecond: 100,
    });
    await stage.speak();
    await stage.pass(500);
    stage.fault('SIGKILL to Redis');
    await stage.redis.kill();
    await stage.pass(2_000);
    const red = slowest(stage.health.map((watch) => watch.msUntil('red', stage.faultAt)));
    await stage.redis.start();
    stage.healed('Redis answers again, and is empty');
    await stage.untilReady();
    const green = slowest(stage.health.map((watch) => watch.msUntil('green', stage.healedAt)));
    await stage.pass(around.lean ? 1_000 : 3_000);
    await stage.finish();
    return stage.result(
      [
        exactly('disconnects', stage.disconnects, 0),
        atMost('not ready after the kill', red, 5_000, ' ms'),
        atMost('ready after Redis answers', green, 2_000, ' ms'),
        atMost('told after a first loss', stage.signMs, 5_000, ' ms'),
        atMost('everything arrives again, after Redis answers', stage.deliveringAfterHealMs, 2_000, ' ms'),
      ],
      { redisKept: false },
    );
  },
};
