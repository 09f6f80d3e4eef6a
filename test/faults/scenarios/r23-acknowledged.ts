/**
 * R23: a node is killed while it acknowledges publications. Whatever was acknowledged must reach everybody else, and be kept where
 * there is a history. Who publishes with idempotency keys says everything again to the node that has come back, and nothing of it
 * may be there twice.
 */
import { kindOf } from '../lab/channel-kind.ts';
import { atLeast, exactly, timed } from '../lab/line.ts';
import { Listener } from '../lab/listener.ts';
import { readBack } from '../lab/read-back.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Speaker } from '../lab/speaker.ts';
import { Stage } from '../lab/stage.ts';

/** Said without waiting for answers, so that some are acknowledged and some under way when the node is killed. */
const burst = 400;
const keyedBurst = 100;

export const acknowledged: Scenario = {
  id: 'R23',
  fault: 'a node is killed while it acknowledges publications',
  manner: 'works',
  async run(around) {
    const stage = await Stage.open(around, { nodes: 2, listeners: 20, channels: 10, messagesPerSecond: 20 });
    const [, living] = stage.nodes as [Stage['nodes'][number], Stage['nodes'][number]];
    // These stay where they are: on the node that lives.
    const witnesses = stage.channels.map(
      (channel) => new Listener({ url: living.url, channels: [channel], ledger: stage.ledger }),
    );
    around.cleanUp(() => Promise.all(witnesses.map((witness) => witness.close())));
    await Promise.all(witnesses.map((witness) => witness.ready()));
    await stage.speak();
    const rounds = around.short ? 2 : 30;
    let unknownInTheEnd = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const node = stage.nodes[0] as Stage['nodes'][number];
      const speaker = (name: string, keyed: boolean) =>
        new Speaker({
          name: `${name}-${round}`,
          url: node.url,
          channels: stage.channels,
          ledger: stage.ledger,
          messagesPerSecond: 0,
          keyed,
        });
      const [once, keyed] = [speaker('burst', false), speaker('keyed', true)];
      await Promise.all([once.client.ready(), keyed.client.ready()]);
      const said = Array.from({ length: burst }, () => once.say());
      const saidWithKeys = Array.from({ length: keyedBurst }, () => keyed.say());
      await Promise.race([...said, ...saidWithKeys]);
      const waitMs = around.random(20);
      await stage.pass(waitMs);
      stage.fault(`round ${round}: SIGKILL ${waitMs} ms after the first answer`);
      await node.kill();
      await Promise.all(said);
      await once.close();
      await stage.startNode(0);
      await stage.untilReady([0]);
      stage.healed('it is back');
      const outcomes = await Promise.all(saidWithKeys);
      // Who is back before the node has joined the others is refused, or answered `degraded`. That is an answer, too.
      unknownInTheEnd += outcomes.filter((outcome) => outcome === 'unknown').length;
      await keyed.close();
    }
    await stage.allBack();
    await stage.pass(500);
    await stage.finish();
    const now = performance.now();
    const missed = witnesses.flatMap(({ pages }) => pages.map((page) => page.report(now).lost));
    const { acked, unknown } = stage.ledger.outcomes();
    const notKept = await Promise.all(
      stage.channels
        .filter((channel) => kindOf(channel) === 'history')
        .map(async (channel) => {
          const kept = await readBack(living.url, channel, stage.ledger);
          const seen = new Set(kept.map(({ publisher, number }) => `${publisher} ${number}`));
          const publishers = stage.ledger.publishersOf(channel).filter((name) => name !== 'reader');
          const wanted = publishers.flatMap((publisher) =>
            stage.ledger.acked(channel, publisher).map((number) => `${publisher} ${number}`),
          );
          return wanted.filter((name) => !seen.has(name)).length + kept.length - seen.size;
        }),
    );
    return stage.result([
      exactly('acknowledged, and missed on the node that lives', sum(missed), 0),
      ...(notKept.length === 0
        ? []
        : [exactly('acknowledged, and not in the history, or there twice', sum(notKept), 0)]),
      timed(exactly('with a key, and of unknown outcome in the end', unknownInTheEnd, 0)),
      atLeast('acknowledged', acked, 1),
      atLeast('not answered any more', unknown, 1),
    ]);
  },
};

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
