/**
 * R10 and R11: one client stops reading while its channel is loud, and reads again just after it was cut off. Nobody else
 * may notice, and it must not take what comes behind a hole for what comes next.
 *
 * Whether others notice is decided in turns: as long without a slow reader as with one, several times; a difference counts if it is
 * larger than that between turns without one.
 */
import { channelKinds } from '../lab/channel-kind.ts';
import { FeltByOthers } from '../lab/felt-by-others.ts';
import { atMost, exactly } from '../lab/line.ts';
import { Listener } from '../lab/listener.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Speaker } from '../lab/speaker.ts';
import { Stage } from '../lab/stage.ts';

/** What the kernels of both sides take before anything waits in the node: far less than this is sent in vain. */
const fillerLength = 16_000;
const messagesPerSecond = 150;
const recoveryMaxBytes = 8_388_608;
const turnMs = 3_000;
/** Its limit, in bytes, is reached a while after it stopped reading: so this is stricter than five seconds after the limit. */
const cutOffWithinMs = 5_000;

export const slowReader: Scenario = {
  id: 'R10',
  fault: 'a client stops reading, and reads again just after its limit (R11)',
  manner: 'alone',
  async run(around) {
    const rounds = around.short ? 3 : 7;
    const stage = await Stage.open(around, {
      nodes: 1,
      listeners: around.short ? 60 : 1_000,
      channels: 20,
      messagesPerSecond: 100,
      // What waits in the kernels is lost with the connection, too, and that is more than a node sends again by default.
      nodeFlags: ['--recovery-max-bytes', `${recoveryMaxBytes}`],
    });
    const [node] = stage.nodes as [Stage['nodes'][number]];
    const loud = around.kinds.map((kind) => `${channelKinds[kind].prefix}loud`);
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
    const others = await FeltByOthers.begin(stage, turnMs);
    const cutOffMs: number[] = [];
    let mostGrown = 0;
    for (let round = 1; round <= rounds; round += 1) {
      await others.without();
      const memoryBefore = await node.residentBytes();
      const pausedAt = stage.fault(`a client stops reading, ${round} of ${rounds}`);
      slow.pause();
      const isCutOff = async () =>
        (await node.metric('outcry_connections_closed_total{reason="slow_consumer"}')) >= round;
      while (!(await isCutOff()) && performance.now() < pausedAt + 20_000) await stage.pass(50);
      cutOffMs.push(performance.now() - pausedAt);
      await stage.pass(Math.max(0, pausedAt + turnMs - performance.now()));
      others.beside(pausedAt);
      stage.healed('it reads again');
      mostGrown = Math.max(mostGrown, (await node.residentBytes()) - memoryBefore);
      slow.resume();
      await stage.pass(2_000);
    }
    await stage.finish();
    return stage.result([
      atMost('cut off after it stopped reading', Math.max(...cutOffMs), cutOffWithinMs, ' ms'),
      exactly('its outages', slow.outages.length, rounds),
      exactly('outages of all others', stage.disconnects + quick.outages.length, 0),
      atMost('memory grown by', mostGrown / 1e6, 30, ' MB'),
      ...others.lines(0.05, rounds),
    ]);
  },
};
