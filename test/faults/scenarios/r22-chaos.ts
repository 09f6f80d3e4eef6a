/**
 * R22: anything at any time. The seed decides what happens to nodes and HAProxy, and beside it, independently, to the Redis servers,
 * so that two faults meet now and then; the ledger judges the whole.
 */
import { startHaproxy, type TestHaproxy } from '../../support/haproxy.ts';
import { randomNumbers } from '../../support/mutate.ts';
import { exactly } from '../lab/line.ts';
import type { Scenario, Surroundings } from '../lab/scenario.ts';
import { SentinelTopology } from '../lab/sentinel-topology.ts';
import { Stage } from '../lab/stage.ts';

/** Milliseconds that a fault lasts, and between two. */
const shortestMs = 500;
const longestMs = 6_000;
const shortestPauseMs = 1_000;
const longestPauseMs = 6_000;

interface Scene {
  readonly stage: Stage;
  readonly topology: SentinelTopology;
  haproxy: TestHaproxy;
}

/** Begins, and returns what ends it. */
type Trouble = (scene: Scene, random: (below: number) => number) => Promise<() => Promise<unknown>>;

const nodeTroubles: Readonly<Record<string, Trouble>> = {
  async 'a node is killed'({ stage }, random) {
    const index = random(stage.nodes.length);
    await stage.nodes[index]?.kill();
    return async () => void (await stage.startNode(index));
  },
  async 'a node is stopped'({ stage }, random) {
    const index = random(stage.nodes.length);
    await stage.nodes[index]?.stop();
    return async () => void (await stage.startNode(index));
  },
  async 'a node stands still'({ stage }, random) {
    const index = random(stage.nodes.length);
    stage.nodes[index]?.freeze();
    return async () => stage.nodes[index]?.thaw();
  },
  async 'HAProxy is reloaded'(scene) {
    scene.haproxy = await scene.haproxy.takenOver('it runs');
    return async () => {};
  },
};

const redisTroubles: Readonly<Record<string, Trouble>> = {
  async 'the master is killed'({ topology }) {
    const index = await topology.masterIndex();
    await topology.servers[index]?.kill();
    return async () => {
      await topology.newMaster(index);
      await topology.restart(index);
    };
  },
  async 'a failover is ordered'({ topology }) {
    await topology.failover();
    return async () => {};
  },
  async 'the master stands still'({ topology }) {
    const index = await topology.masterIndex();
    topology.servers[index]?.freeze();
    return async () => topology.servers[index]?.thaw();
  },
  async 'the master cannot be reached'({ topology }) {
    const proxy = topology.proxies[await topology.masterIndex()];
    await proxy?.refuse();
    return async () => await proxy?.pass();
  },
  async 'nothing passes between the master and anybody'({ topology }) {
    const proxy = topology.proxies[await topology.masterIndex()];
    proxy?.blackhole();
    return async () => await proxy?.pass();
  },
  async 'all connections to the master are cut'({ topology }) {
    topology.proxies[await topology.masterIndex()]?.cut();
    return async () => {};
  },
};

export const chaos: Scenario = {
  id: 'R22',
  fault: 'chaos: kills, pauses, partitions, failovers and reloads at random',
  manner: 'long',
  async run(around) {
    const topology = await SentinelTopology.start();
    around.cleanUp(() => topology.stop());
    const scene: { haproxy?: TestHaproxy } = {};
    const stage = await Stage.open(around, {
      listeners: 60,
      channels: 20,
      messagesPerSecond: 30,
      redisUrl: topology.url,
      async front(nodePorts) {
        scene.haproxy = await startHaproxy({ mode: 'http', nodePorts });
        around.cleanUp(async () => await scene.haproxy?.stop());
        return scene.haproxy.url;
      },
    });
    await stage.speak();
    const on = Object.assign(scene, { stage, topology }) as Scene;
    stage.fault(`${around.minutes} minutes of it`);
    const endsAt = performance.now() + around.minutes * 60_000;
    const [nodeRandom, redisRandom] = [fork(around), fork(around)];
    const counts = await Promise.all([
      trouble(nodeTroubles, on, endsAt, nodeRandom, around),
      trouble(redisTroubles, on, endsAt, redisRandom, around),
    ]);
    await topology.settled();
    await stage.untilReady(undefined, 60_000);
    await stage.allBack();
    stage.healed('all is well again');
    await stage.pass(5_000);
    await stage.finish();
    return stage.result(
      [
        exactly('clients that are back', stage.connected, stage.listeners.length),
        exactly('bugs that came to light', stage.bugs, 0),
        exactly('faults that could not be planted or mended', counts[0] + counts[1], 0),
      ],
      { redisKept: false },
    );
  },
};

/** One after the other. Returns how many went wrong in themselves. */
async function trouble(
  troubles: Readonly<Record<string, Trouble>>,
  scene: Scene,
  endsAt: number,
  random: (below: number) => number,
  around: Surroundings,
): Promise<number> {
  const names = Object.keys(troubles);
  let failed = 0;
  while (performance.now() < endsAt) {
    await scene.stage.pass(shortestPauseMs + random(longestPauseMs - shortestPauseMs));
    const name = names[random(names.length)] as string;
    const lastsMs = shortestMs + random(longestMs - shortestMs);
    around.say(`${name}, for ${lastsMs} ms`);
    try {
      const end = await (troubles[name] as Trouble)(scene, random);
      await scene.stage.pass(lastsMs);
      await end();
    } catch (error) {
      failed += 1;
      around.say(`${name}: ${(error as Error).message}`);
    }
  }
  return failed;
}

/** Random numbers of its own, so that what one side does is the same whatever the other one does meanwhile. */
function fork({ random }: Surroundings): (below: number) => number {
  return randomNumbers(random(2 ** 31));
}
