/**
 * R23: a node is killed while it acknowledges publications. Whatever was acknowledged must reach everybody else.
 */
import type { TestNode } from '../../support/node.ts';
import { atLeast, exactly } from '../lab/line.ts';
import { Listener } from '../lab/listener.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Speaker } from '../lab/speaker.ts';
import { Stage } from '../lab/stage.ts';

/** Said without waiting for answers, so that some are acknowledged and some under way when the node is killed. */
const burst = 400;

export const acknowledged: Scenario = {
  id: 'R23',
  fault: 'a node is killed while it acknowledges publications',
  manner: 'works',
  async run(around) {
    const stage = await Stage.open(around, { nodes: 2, listeners: 20, channels: 10, messagesPerSecond: 20 });
    // These stay where they are: on the node that lives.
    const living = stage.nodes[1] as TestNode;
    const witnesses = stage.channels.map(
      (channel) => new Listener({ url: living.url, channels: [channel], ledger: stage.ledger }),
    );
    around.cleanUp(() => Promise.all(witnesses.map((witness) => witness.close())));
    await Promise.all(witnesses.map((witness) => witness.ready()));
    await stage.speak();
    const rounds = around.short ? 2 : 30;
    for (let round = 1; round <= rounds; round += 1) {
      const node = stage.nodes[0] as TestNode;
      const speaker = new Speaker({
        name: `burst-${round}`,
        url: node.url,
        channels: stage.channels,
        ledger: stage.ledger,
        messagesPerSecond: 0,
      });
      await speaker.client.ready();
      const said = Array.from({ length: burst }, () => speaker.say());
      await Promise.race(said);
      const waitMs = around.random(20);
      await stage.pass(waitMs);
      stage.fault(`round ${round}: SIGKILL ${waitMs} ms after the first answer`);
      await node.kill();
      await Promise.all(said);
      await speaker.close();
      await stage.startNode(0);
      await stage.untilReady([0]);
      stage.healed('it is back');
    }
    await stage.allBack();
    await stage.pass(500);
    await stage.finish();
    const now = performance.now();
    const missed = witnesses.flatMap(({ pages }) => pages.map((page) => page.report(now).lost));
    const { acked, unknown } = stage.ledger.outcomes();
    return stage.result([
      exactly(
        'acknowledged, and missed on the node that lives',
        missed.reduce((sum, each) => sum + each, 0),
        0,
      ),
      atLeast('acknowledged', acked, 1),
      atLeast('not answered any more', unknown, 1),
    ]);
  },
};
