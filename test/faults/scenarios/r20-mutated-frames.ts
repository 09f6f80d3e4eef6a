/**
 * R20: damaged frames and beats of a stranger on the channels between the nodes, while everybody talks.
 */

import { Publication } from '../../../src/channel/publication.ts';
import { writeBeat } from '../../../src/protocol/beat.ts';
import { FrameWriter } from '../../../src/protocol/bridge-frame.ts';
import { SequencedWriter } from '../../../src/protocol/sequenced-frame.ts';
import { shardOf } from '../../../src/protocol/shard.ts';
import { mutate } from '../../support/mutate.ts';
import type { TestNode } from '../../support/node.ts';
import { channelKinds, kindOf } from '../lab/channel-kind.ts';
import { atLeast, atMost, exactly, holds, timed } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const shards = 64;
/** Sent together; a hundred of them a second. */
const perTick = 100;
const tickMs = 10;
const stallSeconds = '0.05';

export const mutatedFrames: Scenario = {
  id: 'R20',
  fault: 'damaged frames between the nodes',
  manner: 'alone',
  async run(around) {
    const stage = await Stage.open(around, { nodes: 2, listeners: 30, channels: 10, messagesPerSecond: 50 });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const shard = shardOf(stage.channels[0] as string, shards);
    const frames = 'outcry_bridge_frames_received_total';
    const receivedBefore = await node.metric(frames);
    const rejectedBefore = await rejected(node);
    const keptFrames = 'outcry_history_frames_received_total';
    const keptBefore = await node.metric(keptFrames);
    const keptRejectedBefore = await keptRejected(node);
    const stallsBefore = await stalls(node);
    const count = around.short ? 20_000 : 100_000;
    stage.fault(`${count} damaged frames and ${count / 10} damaged beats`);
    const redis = stage.redis.client();
    const kept = around.kinds.includes('history');
    const keptShard = shardOf(stage.channels.find((channel) => kindOf(channel) === 'history') ?? '', shards);
    const nobodys = nobodysChannel(keptShard);
    const sequenced = new SequencedWriter();
    const writer = new FrameWriter({ bootId: 'stranger', nodeId: 'stranger' }, shard);
    for (let sent = 0; sent < count; sent += perTick) {
      const pipeline = redis.pipeline();
      for (let index = 0; index < perTick; index += 1) {
        // Nobody listens there: what is still whole disturbs nobody.
        writer.add('nobody-listens', Publication.text(`a frame like others, number ${sent + index}`, 0));
        pipeline.publish(`outcry.v1.${shards}.{${shard}}`, mutate(writer.take(Date.now()), around.random));
        if (kept && index % 10 === 5)
          pipeline.publish(
            `outcry.v1.${shards}.{${keptShard}}.history`,
            mutate(sequencedFrame(sequenced, keptShard, nobodys, sent + index + 1), around.random),
          );
        if (index % 10 === 0)
          pipeline.publish('outcry.v1.beat', mutate(strangersBeat(shard, sent), around.random));
      }
      await pipeline.exec();
      await stage.pass(tickMs);
    }
    stage.healed('no more of them');
    await stage.pass(1_000);
    await stage.finish();
    const gone = await stage.gone();
    const received = (await node.metric(frames)) - receivedBefore;
    return stage.result([
      exactly('nodes that ended', gone, 0),
      atLeast('frames that a node has counted', received, count),
      atLeast('of these refused, by reason', (await rejected(node)) - rejectedBefore, count / 10),
      ...(kept
        ? [
            atLeast(
              'frames of channels with history counted',
              (await node.metric(keptFrames)) - keptBefore,
              count / 10,
            ),
            atLeast('of these refused', (await keptRejected(node)) - keptRejectedBefore, count / 100),
          ]
        : []),
      exactly('bugs that came to light', stage.bugs, 0),
      timed(exactly(`standstills above ${stallSeconds} s`, (await stalls(node)) - stallsBefore, 0)),
      atMost('late deliveries until after the end', stage.caughtUpAfterHealMs, 500, ' ms'),
      exactly('disconnects', stage.disconnects, 0),
      timed(
        holds(
          'ready all the time',
          stage.health.every(
            (watch) => watch.greenMs(stage.faultAt, stage.healedAt) >= stage.healedAt - stage.faultAt - 1,
          ),
        ),
      ),
    ]);
  },
};

/** With a history, in this shard, and without listeners. */
function nobodysChannel(shard: number): string {
  for (let number = 0; ; number += 1) {
    const channel = `${channelKinds.history.prefix}nobody-${number}`;
    if (shardOf(channel, shards) === shard) return channel;
  }
}

/** As the script of the history puts it together. */
function sequencedFrame(writer: SequencedWriter, shard: number, channel: string, offset: number): Buffer {
  const publications = [Publication.text(`kept by nobody, number ${offset}`, 0)];
  const positions = Buffer.from(` generation.channel ${offset} 0`);
  return Buffer.concat([
    ...[writer.frameStart(shard), Buffer.of(0xd9, positions.length), positions],
    ...writer.entries([{ channel, publications }]).pieces,
  ]);
}

function strangersBeat(shard: number, sequence: number): Buffer {
  return writeBeat({
    bootId: 'stranger',
    nodeId: 'stranger',
    runId: 'x'.repeat(40),
    sentAt: Date.now(),
    sequences: new Map([[shard, sequence]]),
    counts: { connections: 1, channels: 1, subscriptions: 1, state: null, viewers: 0 },
  });
}

async function rejected(node: TestNode): Promise<number> {
  const reasons = ['malformed', 'oversized', 'unknown_version', 'wrong_shard', 'duplicate'];
  const counts = await Promise.all(
    reasons.map((reason) => node.metric(`outcry_bridge_frames_rejected_total{reason="${reason}"}`)),
  );
  return counts.reduce((sum, each) => sum + each);
}

async function keptRejected(node: TestNode): Promise<number> {
  const counts = await Promise.all(
    ['malformed', 'wrong_shard'].map((reason) =>
      node.metric(`outcry_history_frames_rejected_total{reason="${reason}"}`),
    ),
  );
  return counts.reduce((sum, each) => sum + each);
}

async function stalls(node: TestNode): Promise<number> {
  const series = 'outcry_loop_delay_seconds';
  return (
    (await node.metric(`${series}_count`)) - (await node.metric(`${series}_bucket{le="${stallSeconds}"}`))
  );
}
