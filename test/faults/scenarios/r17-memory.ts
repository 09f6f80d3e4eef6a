/**
 * R17: a node gets more to keep than it may have, because many clients do not read what is sent to them. It sheds load in the documented
 * order (docs/operations.md, Storms), stays within its bound, and is as before when they are gone.
 */
import { arrive } from '../../support/arrival.ts';
import { NativeClient } from '../../support/native-client.ts';
import type { TestNode } from '../../support/node.ts';
import { until } from '../../support/until.ts';
import { channelKinds } from '../lab/channel-kind.ts';
import { atLeast, atMost, exactly, holds } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';
import { TestClient } from '../../support/client.ts';

const limitBytes = 260_000_000;
/** Between two looks at memory, four times a second, this much may come. */
const mostPart = 1.25;
/** Together they may keep waiting more than there is. */
const sluggards = 60;
const eachMayWait = 8_388_608;
const payload = 'x'.repeat(60_000);
const quickMs = 70;
/** One after the other: buffers double, and if all did so at once, nobody could look in between. */
const pauseEveryMs = 200;
/** Near the limit, so that every stage is seen. */
const slowMs = 140;
const slowFrom = 0.7;
const lookEveryMs = 100;
/** Of the slowest who were to be shed first: nobody is by the default of this within the flood. */
const slowAfterMs = 120_000;
const recoversWithinMs = 5_000;
const giveUpAfterMs = 60_000;

/** What is shed at each stage, as the node counts it. */
const signs = {
  refused: 'outcry_handshakes_refused_total{reason="memory"}',
  spared: 'outcry_history_recoveries_total{result="unavailable"}',
  ended: 'outcry_connections_closed_total{reason="memory"}',
} as const;

export const memory: Scenario = {
  id: 'R17',
  fault: 'more waits for clients than the memory that a node may have',
  manner: 'alone',
  async run(around) {
    const stage = await Stage.open(around, {
      nodes: 1,
      listeners: 30,
      channels: 10,
      messagesPerSecond: 50,
      nodeFlags: [
        ...['--memory-limit-bytes', `${limitBytes}`, '--backpressure-limit-bytes', `${eachMayWait}`],
        ...['--slow-consumer-timeout-ms', `${slowAfterMs}`],
        // So that who asks for more than a few has it read.
        ...['--tail-max-bytes', '4096'],
      ],
    });
    await stage.speak();
    const [node] = stage.nodes as [TestNode];
    const kept = around.kinds.includes('history');
    const idle = await Promise.all(
      Array.from({ length: sluggards }, () => TestClient.open(`${node.url}/raw/flood`)),
    );
    const flooder = await TestClient.open(`${node.url}/raw/flood`);
    const asker = await NativeClient.connect(node.url, 'outcry.v1.json');
    const askForAll = kept ? await asking(asker, `${channelKinds.history.prefix}0`) : () => {};
    around.cleanUp(async () => {
      for (const { socket } of [...idle, flooder, asker.client]) socket.terminate();
    });
    await stage.pass(2_000);

    const floodedAt = stage.fault(`${sluggards} clients stop reading what they are flooded with`);
    for (const [index, { socket }] of idle.entries()) setTimeout(() => socket.pause(), index * pauseEveryMs);
    let [isQuick, sentAt] = [true, 0];
    const timers = [
      setInterval(() => {
        if (!isQuick && performance.now() - sentAt < slowMs) return;
        sentAt = performance.now();
        flooder.send(payload);
      }, quickMs),
      setInterval(() => void arrive(node.port, {}), lookEveryMs),
    ];
    const firstAt = new Map<string, number>();
    let mostBytes = 0;
    const look = async () => {
      askForAll();
      const bytes = await node.residentBytes();
      mostBytes = Math.max(mostBytes, bytes);
      isQuick = firstAt.has('ended') || bytes < limitBytes * slowFrom;
      for (const [sign, series] of Object.entries(signs))
        if (!firstAt.has(sign) && (await node.metric(series)) > 0)
          firstAt.set(sign, performance.now() - floodedAt);
      await stage.pass(lookEveryMs);
    };
    while (!firstAt.has('ended') && performance.now() < floodedAt + giveUpAfterMs) await look();
    // It goes on, so that more must be shed again and again.
    const goesOnUntil = performance.now() + (around.short ? 5_000 : 20_000);
    while (performance.now() < goesOnUntil) await look();
    for (const timer of timers) clearInterval(timer);
    for (const { socket } of idle) socket.terminate();

    const overAt = stage.healed('they are gone');
    await until(
      async () => [await node.metric('outcry_memory_stage'), (await arrive(node.port, {})).status],
      ([stageOfMemory, status]) => stageOfMemory === 0 && status === 101,
      { what: 'a node as before', withinMs: 4 * recoversWithinMs },
    ).catch(({ message }) => around.say(message));
    const recoveredMs = performance.now() - overAt;
    const ended = await node.metric(signs.ended);
    await stage.finish();
    const at = (sign: string) => firstAt.get(sign) ?? Number.POSITIVE_INFINITY;
    around.say(
      `${[...firstAt].map(([sign, ms]) => `${sign} after ${Math.round(ms)} ms`).join(', ')}; ${ended} ended`,
    );
    return stage.result([
      exactly('nodes that ended', await stage.gone(), 0),
      atMost('most memory, of the limit', mostBytes / limitBytes, mostPart, ' ×'),
      holds(
        `first newcomers are refused, ${kept ? 'then histories are not read, ' : ''}then the slowest are ended`,
        at('refused') < at('ended') &&
          (!kept || (at('refused') <= at('spared') && at('spared') <= at('ended'))),
      ),
      atLeast('the slowest that were ended', ended, 1),
      exactly('disconnects of those who read', stage.disconnects, 0),
      atMost('as before, after they are gone', recoveredMs, recoversWithinMs, ' ms'),
    ]);
  },
};

/** Returns what asks for all that was ever published in a channel, again and again. Resolves when it is joined. */
async function asking(client: NativeClient, channel: string): Promise<() => void> {
  client.say({ type: 'subscribe', id: 1, channels: [channel] });
  const answer = (await client.hear()) as { channels: [{ epoch: string }] };
  const since = { epoch: answer.channels[0].epoch, offset: 0 };
  let id = 1;
  return () => {
    id += 1;
    client.say({ type: 'subscribe', id, channels: [{ channel, since }] });
  };
}
