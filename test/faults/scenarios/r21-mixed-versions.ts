/**
 * R21: each node in turn is stopped and comes back on the other runtime, then back again; all the while a node of a later
 * version speaks a form of frames that this one does not know.
 */
import { pack } from 'msgpackr';
import { shardOf } from '../../../src/protocol/shard.ts';
import { startHaproxy } from '../../support/haproxy.ts';
import type { TestNode } from '../../support/node.ts';
import { atLeast, atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const shards = 64;

export const mixedVersions: Scenario = {
  id: 'R21',
  fault: 'nodes are swapped one by one, beside one that writes version 2',
  manner: 'works',
  async run(around) {
    const stage = await Stage.open(around, {
      listeners: 60,
      channels: 20,
      messagesPerSecond: 40,
      async front(nodePorts) {
        const haproxy = await startHaproxy({ mode: 'http', nodePorts });
        around.cleanUp(() => haproxy.stop());
        return haproxy.url;
      },
    });
    await stage.speak();
    const future = new FutureNode(stage);
    const [node] = stage.nodes as [TestNode];
    const unknown = 'outcry_bridge_frames_rejected_total{reason="unknown_version"}';
    const before = await node.metric(unknown);
    stage.fault('a node of version 2 speaks');
    await future.speak();
    await stage.pass(500);
    await future.speak();
    stage.healed('everybody should know');
    await stage.pass(2_000);
    const flagged = (await node.metric(unknown)) - before;
    const toldMs = stage.signMs;
    const other = around.runtime === 'bun' ? 'node' : 'bun';
    for (const runtime of around.short ? [other] : [other, around.runtime])
      for (const index of stage.nodes.keys()) {
        around.say(`node ${index + 1} is stopped and comes back on ${runtime}`);
        await stage.nodes[index]?.stop();
        await stage.startNode(index, '--runtime', runtime);
        await stage.untilReady([index]);
      }
    await stage.allBack();
    await future.speak();
    await stage.pass(1_000);
    await stage.finish();
    return stage.result([
      atLeast('frames of version 2 that were counted', flagged, future.channels),
      atMost('told that some of them were missed', toldMs, 2_000, ' ms'),
      exactly('clients that are back', stage.connected, stage.listeners.length),
    ]);
  },
};

/** Numbers its frames as every version must, and writes into them what nobody here can read. */
class FutureNode {
  readonly #stage: Stage;
  readonly #sequences = new Map<number, number>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get channels(): number {
    return plain(this.#stage.channels).length;
  }

  /** One message into each plain channel. It is delivered nowhere, and everybody is to know. */
  async speak(): Promise<void> {
    const redis = this.#stage.redis.client();
    for (const channel of plain(this.#stage.channels)) {
      const shard = shardOf(channel, shards);
      const sequence = (this.#sequences.get(shard) ?? 0) + 1;
      this.#sequences.set(shard, sequence);
      const number = this.#stage.ledger.publish(channel, 'future', performance.now());
      this.#stage.ledger.settle(channel, 'future', number, 'acked');
      await redis.publish(
        `outcry.v1.${shards}.{${shard}}`,
        Buffer.from(pack([2, 'future', shard, sequence, { new: true }])),
      );
    }
  }
}

/** What travels in channels with history is numbered elsewhere. */
function plain(channels: readonly string[]): string[] {
  return channels.filter((channel) => !channel.includes(':'));
}
