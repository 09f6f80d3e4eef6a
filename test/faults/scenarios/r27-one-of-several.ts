/**
 * R27: one of two independent Redis servers is killed and starts again, empty.
 */
import { shardOf } from '../../../src/protocol/shard.ts';
import { TestRedis } from '../../support/redis.ts';
import { atMost, exactly, slowest } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const downMs = 2_000;
/** As many as nodes have unless told otherwise. */
const shards = 64;

export const oneOfSeveral: Scenario = {
  id: 'R27',
  fault: 'one of two independent Redis servers is killed and starts again empty after 2 s',
  manner: 'waits',
  async run(around) {
    const servers = [await TestRedis.start(), await TestRedis.start()] as const;
    for (const server of servers) around.cleanUp(() => server.kill());
    const stage = await Stage.open(around, {
      listeners: 60,
      channels: 20,
      messagesPerSecond: 30,
      redisUrl: servers.map(({ url }) => url).join(),
    });
    await stage.speak();
    const rounds = around.short ? 1 : 10;
    const resumes: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      stage.fault(`kill ${round} of ${rounds}: the second server`);
      await servers[1].kill();
      await stage.pass(downMs);
      await servers[1].start();
      const acceptsAt = stage.healed('it is back, empty');
      await stage.untilReady();
      resumes.push(performance.now() - acceptsAt);
      await stage.pass(1_000);
    }
    await stage.finish();
    const elsewhere = stage.ledger.report(performance.now(), (channel) => shardOf(channel, shards) % 2 === 0);
    return stage.result(
      [
        exactly('resumed by themselves', resumes.length, rounds),
        atMost('slowest, from when it accepts', slowest(resumes), 3_000, ' ms'),
        exactly('disconnects', stage.disconnects, 0),
        exactly('lost in channels of the other server', elsewhere.lost, 0),
        exactly('gaps in channels of the other server', elsewhere.gaps, 0),
      ],
      { redisKept: false },
    );
  },
};
