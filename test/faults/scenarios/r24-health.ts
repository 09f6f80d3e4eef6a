/**
 * R24: what `/health/ready` says in each fault between a node and Redis, and when it stands still.
 */
import { atMost, exactly, type Line } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const bound = 5_000;

interface Trouble {
  readonly name: string;
  begin(stage: Stage): unknown;
  end(stage: Stage): unknown;
}

const troubles: readonly Trouble[] = [
  { name: 'Redis killed', begin: ({ redis }) => redis.kill(), end: ({ redis }) => redis.start() },
  { name: 'Redis frozen', begin: ({ redis }) => redis.freeze(), end: ({ redis }) => redis.thaw() },
  { name: 'network closed', begin: ({ links }) => links[0]?.refuse(), end: ({ links }) => links[0]?.pass() },
  { name: 'blackhole', begin: ({ links }) => links[0]?.blackhole(), end: ({ links }) => links[0]?.pass() },
  {
    name: 'blackhole towards the node only',
    begin: ({ links }) => links[0]?.blackhole('to client'),
    end: ({ links }) => links[0]?.pass(),
  },
  {
    name: 'demoted to a replica',
    begin: ({ redis }) => redis.client().call('REPLICAOF', '127.0.0.1', '1'),
    end: ({ redis }) => redis.client().call('REPLICAOF', 'NO', 'ONE'),
  },
  { name: 'node frozen', begin: ({ nodes }) => nodes[0]?.freeze(), end: ({ nodes }) => nodes[0]?.thaw() },
];

export const health: Scenario = {
  id: 'R24',
  fault: 'the health endpoints in each of these',
  manner: 'waits',
  async run(around) {
    const stage = await Stage.open(around, { nodes: 2, listeners: 0, channels: 0, messagesPerSecond: 0 });
    const lines: Line[] = [];
    for (const { name, begin, end } of troubles) {
      const watch = stage.health[0];
      const startedAt = stage.fault(name);
      await begin(stage);
      await stage.pass(bound + 1_000);
      const redMs = watch?.msUntil('red', startedAt) ?? null;
      const greenMs = watch?.greenMs(startedAt + (redMs ?? 0), performance.now()) ?? 0;
      const endedAt = performance.now();
      await end(stage);
      await stage.untilReady();
      lines.push(
        atMost(`${name}: red`, redMs, bound, ' ms'),
        exactly(`${name}: green again while it lasts`, greenMs, 0),
        atMost(`${name}: green after it`, watch?.msUntil('green', endedAt) ?? null, bound, ' ms'),
      );
    }
    return { kinds: [], lines, strain: stage.strain };
  },
};
