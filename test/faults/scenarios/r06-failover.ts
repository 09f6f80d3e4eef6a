/**
 * R6: Sentinel fails over, by order and because the master was killed; the first dials to the new master are refused.
 */
import { atMost, exactly, slowest } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { SentinelTopology } from '../lab/sentinel-topology.ts';
import { Stage } from '../lab/stage.ts';

/** Less than what makes a sentinel think that the server is down. */
const refusedForMs = 300;
/** Of rounds in which the sentinels changed their mind once more, so that they have no time. */
const mostRepeats = 3;

export const failover: Scenario = {
  id: 'R6',
  fault: 'Sentinel fails over, by order or after a SIGKILL, and first dials are refused',
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
    const rounds = around.short ? 1 : 25;
    const resumes: number[] = [];
    let repeats = 0;
    for (const way of ['order', 'kill'] as const)
      for (let round = 1; round <= rounds; round += 1) {
        const old = await topology.masterIndex();
        stage.fault(`${way} ${round} of ${rounds}: the master is server ${old + 1}`);
        if (way === 'kill') await topology.servers[old]?.kill();
        const fresh = way === 'order' ? await topology.failover() : await topology.newMaster(old);
        stage.healed(`the sentinels name server ${fresh + 1}`);
        await topology.proxies[fresh]?.refuse();
        await stage.pass(refusedForMs);
        await topology.proxies[fresh]?.pass();
        const acceptsAt = performance.now();
        await stage.untilReady();
        // A node that has not noticed yet is still green.
        await stage.untilAllOn(() => topology.master());
        const resumedAfterMs = performance.now() - acceptsAt;
        const now = await topology.masterIndex();
        if (now === fresh) {
          resumes.push(resumedAfterMs);
          around.say(`resumed after ${Math.round(resumedAfterMs)} ms`);
        } else {
          around.say(`the sentinels name server ${now + 1} by now: this round has no time`);
          if (repeats < mostRepeats) round -= 1;
          repeats += 1;
        }
        if (way === 'kill') await topology.restart(old);
        await topology.settled();
        await stage.pass(1_000);
      }
    await stage.finish();
    return stage.result(
      [
        exactly('resumed by themselves', resumes.length, 2 * rounds),
        atMost('slowest, from when the new master accepts', slowest(resumes), 2_000, ' ms'),
        exactly('disconnects', stage.disconnects, 0),
      ],
      { redisKept: false },
    );
  },
};
