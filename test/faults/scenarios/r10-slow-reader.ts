/**
 * R10 and R11: one client stops reading while its channel is loud, and reads again just after it was cut off. Nobody else
 * may notice, and it must not take what comes behind a hole for what comes next.
 */
import { channelKinds } from '../lab/channel-kind.ts';
import { LatencyLog } from '../lab/latency-log.ts';
import { atMost, exactly, holds } from '../lab/line.ts';
import { Listener } from '../lab/listener.ts';
import { opened } from '../lab/message.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Speaker } from '../lab/speaker.ts';
import { Stage } from '../lab/stage.ts';

/** What the kernels of both sides take before anything waits in the node: far less than this is sent in vain. */
const fillerLength = 16_000;
const messagesPerSecond = 150;

export const slowReader: Scenario = {
  id: 'R10',
  fault: 'a client stops reading, and reads again just after its limit (R11)',
  manner: 'alone',
  async run(around) {
    const stage = await Stage.open(around, {
      nodes: 1,
      listeners: around.short ? 60 : 1_000,
      channels: 20,
      messagesPerSecond: 100,
    });
    const [node] = stage.nodes as [Stage['nodes'][number]];
    const loud = around.kinds.map((kind) => `${channelKinds[kind].prefix}loud`);
    const latency = new LatencyLog();
    for (const listener of stage.listeners)
      for (const channel of stage.channels)
        if (listener.joined(channel))
          listener.client.subscribe(channel).on('publication', ({ data }) => {
            const message = opened(data);
            if (message !== null && message !== 'damaged') latency.took(message.sentAt, performance.now());
          });
    const slow = new Listener({ url: node.url, channels: loud, ledger: stage.ledger });
    const quick = new Listener({ url: node.url, channels: loud, ledger: stage.ledger });
    const speaker = new Speaker({
      name: 'loud',
      url: node.url,
      channels: loud,
      ledger: stage.ledger,
      messagesPerSecond,
      fillerLength,
    });
    around.cleanUp(() => Promise.all([slow, quick, speaker].map((each) => each.close())));
    await Promise.all([slow.ready(), quick.ready(), speaker.client.ready()]);
    stage.speakers.push(speaker);
    await stage.speak();
    await stage.pass(4_000);
    const memoryBefore = await node.residentBytes();
    stage.fault('a client stops reading');
    slow.pause();
    const series = 'outcry_connections_closed_total{reason="slow_consumer"}';
    let cutOff = false;
    const giveUpAt = performance.now() + 20_000;
    while (!cutOff && performance.now() < giveUpAt) {
      await stage.pass(50);
      cutOff = (await node.metric(series)) === 1;
    }
    stage.healed('it reads again');
    const memoryAfter = await node.residentBytes();
    slow.resume();
    await stage.pass(3_000);
    await stage.finish();
    const before = latency.percentile(0.99, stage.faultAt - 3_000, stage.faultAt);
    const during = latency.percentile(0.99, stage.faultAt, stage.healedAt);
    return stage.result([
      holds('it was cut off', cutOff),
      exactly('its outages', slow.outages.length, 1),
      exactly('outages of all others', stage.disconnects + quick.outages.length, 0),
      atMost('memory grown by', (memoryAfter - memoryBefore) / 1e6, 30, ' MB'),
      atMost('p99 of the others, beyond that before', during - before, Math.max(25, before), ' ms'),
    ]);
  },
};
