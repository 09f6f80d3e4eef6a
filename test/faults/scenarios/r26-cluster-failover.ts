/**
 * R26: a master of a Redis Cluster fails over to its replica, by order and because it was killed.
 */
import { TestRedisCluster } from '../../support/redis-cluster.ts';
import type { TestRedis } from '../../support/redis.ts';
import { atMost, exactly, slowest } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const masters = 3;

export const clusterFailover: Scenario = {
  id: 'R26',
  fault: 'a master of a Redis Cluster fails over, by order or after a SIGKILL',
  manner: 'waits',
  async run(around) {
    const cluster = await TestRedisCluster.start(1);
    around.cleanUp(() => cluster.kill());
    const stage = await Stage.open(around, {
      listeners: 60,
      channels: 20,
      messagesPerSecond: 30,
      redisUrl: cluster.url,
    });
    await stage.speak();
    const resumes: number[] = [];
    /** By group: which of its two servers is the master. */
    const current = [0, 0, 0];
    const server = (group: number, which: number) => cluster.servers[group + which * masters] as TestRedis;
    const change = async (way: 'order' | 'kill', group: number) => {
      const old = current[group] as number;
      const fresh = 1 - old;
      current[group] = fresh;
      stage.fault(`${way}: the master of group ${group + 1}`);
      if (way === 'kill') await cluster.lose(server(group, old));
      else await cluster.ask(server(group, fresh), 'CLUSTER', 'FAILOVER');
      await cluster.promoted(server(group, fresh));
      const promotedAt = stage.healed('its replica has taken over');
      await stage.untilAllOn(async () => server(group, fresh));
      await stage.untilReady();
      resumes.push(performance.now() - promotedAt);
    };
    const orders = around.short ? 1 : 10;
    for (let round = 0; round < orders; round += 1) {
      await change('order', around.random(masters));
      await cluster.settled(masters);
      await stage.pass(1_000);
    }
    // A group of two can lose one of them once.
    const kills = around.short ? 1 : masters;
    const first = around.random(masters);
    for (let round = 0; round < kills; round += 1) {
      await change('kill', (first + round) % masters);
      await cluster.settled(masters - round - 1);
      await stage.pass(1_000);
    }
    await stage.finish();
    return stage.result(
      [
        exactly('resumed by themselves', resumes.length, orders + kills),
        atMost('slowest, from when the replica has taken over', slowest(resumes), 5_000, ' ms'),
        exactly('disconnects', stage.disconnects, 0),
      ],
      { redisKept: false },
    );
  },
};
