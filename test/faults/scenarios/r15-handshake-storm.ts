/**
 * R15: five times as many come as are taken. Whoever is too much is told when to come back, at once, and those who are there do not
 * feel it.
 */
import { arrive, type Arrival } from '../../support/arrival.ts';
import type { TestNode } from '../../support/node.ts';
import { FeltByOthers } from '../lab/felt-by-others.ts';
import { atMost, exactly } from '../lab/line.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

/** Little for a node, so that the storm costs the lab little. */
const perSecond = 60;
const times = 5;
const turnMs = 3_000;
const tickMs = 20;
const answerWithinMs = 5_000;

/** Programs, pages, and the SDK: each is told in the way that it can read. */
const kinds: readonly Record<string, string>[] = [
  {},
  { Origin: 'https://example.com' },
  { 'Sec-WebSocket-Protocol': 'outcry.v1.json' },
];

export const handshakeStorm: Scenario = {
  id: 'R15',
  fault: `${times} times as many come as are taken`,
  manner: 'alone',
  async run(around) {
    const rounds = around.short ? 3 : 7;
    const stage = await Stage.open(around, {
      nodes: 1,
      listeners: 40,
      channels: 20,
      messagesPerSecond: 100,
      nodeFlags: ['--max-handshakes-per-second', `${perSecond}`],
    });
    const [node] = stage.nodes as [TestNode];
    await stage.speak();
    const others = await FeltByOthers.begin(stage, turnMs);
    const arrivals: Arrival[] = [];
    let seconds = 0;
    for (let round = 1; round <= rounds; round += 1) {
      await others.without();
      const from = stage.fault(`${perSecond * times} newcomers a second, ${round} of ${rounds}`);
      const came = await storm(node.port);
      others.beside(from);
      arrivals.push(...(await came.all));
      seconds += (performance.now() - from) / 1_000;
      stage.healed('the storm is over');
    }
    await stage.finish();
    const count = (...wanted: number[]) => arrivals.filter(({ status }) => wanted.includes(status)).length;
    const refused = count(503) + count(1013);
    const told = arrivals.filter(({ retryAfterMs }) => retryAfterMs >= 1_000).length;
    return stage.result([
      exactly(
        `of ${arrivals.length} newcomers neither taken nor told`,
        arrivals.length - count(101) - refused,
        0,
      ),
      exactly('of those that were refused, told when to come back', told, refused),
      // A second's worth may be taken at once, after a quiet second.
      atMost('taken', count(101), perSecond * (seconds + rounds)),
      exactly('disconnects of those who are there', stage.disconnects, 0),
      ...others.lines(0.1),
    ]);
  },
};

/** Resolves when the last one has come, with what becomes of all of them. */
async function storm(port: number): Promise<{ all: Promise<Arrival[]> }> {
  const arrivals: Promise<Arrival>[] = [];
  const startedAt = performance.now();
  for (let passed = 0; passed < turnMs; passed = performance.now() - startedAt) {
    const due = (passed / 1_000) * perSecond * times;
    for (; arrivals.length < due; )
      arrivals.push(arrive(port, kinds[arrivals.length % kinds.length] ?? {}, answerWithinMs));
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  return { all: Promise.all(arrivals) };
}
