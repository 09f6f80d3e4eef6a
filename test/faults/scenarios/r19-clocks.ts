/**
 * R19: the wall clock of one node jumps by an hour, forward and back, that of another one drifts, while everybody talks. Nothing may
 * depend on them: nobody is disconnected, nothing expires early, offsets go on.
 */
import { kindOf } from '../lab/channel-kind.ts';
import { FakedClock, fastMs } from '../lab/faked-clock.ts';
import { atLeast, atMost, exactly, holds, timed } from '../lab/line.ts';
import { readBack } from '../lab/read-back.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const jumpsMs = [3_600_000, 0, -3_600_000, 0];
const driftMsPerSecond = 20;
const stepMs = 5_000;
/** So far may the time that a node tells be from the one that it was given: the question takes its time. */
const toleranceMs = 2_000;
/** What was published in this time before the end must still be kept: much less than a history keeps. */
const surelyKeptMs = 60_000;

export const clocks: Scenario = {
  id: 'R19',
  fault: 'the clock of one node jumps by an hour, that of another one drifts',
  manner: 'long',
  async run(around) {
    const jumping = new FakedClock();
    const drifting = new FakedClock();
    around.cleanUp(async () => {
      for (const clock of [jumping, drifting]) clock.remove();
    });
    const stage = await Stage.open(around, {
      nodes: 2,
      listeners: 60,
      channels: 20,
      messagesPerSecond: 50,
      nodeEnv: (index) => (index === 0 ? jumping : drifting).env,
    });
    await stage.speak();
    const claimsBefore = await claimsOf(stage);
    stage.fault('clocks jump and drift');
    const endsAt = performance.now() + around.minutes * 60_000;
    let driftMs = 0;
    let jumps = 0;
    let untouched = 0;
    for (let step = 0; performance.now() < endsAt; step += 1) {
      const jumpMs = jumpsMs[step % jumpsMs.length] as number;
      driftMs += (driftMsPerSecond * stepMs) / 1_000;
      jumping.set(jumpMs);
      drifting.set(driftMs);
      const seen = await Promise.all(stage.nodes.map(fastMs));
      const isAsSet = [jumpMs, driftMs].every((ms, index) => Math.abs((seen[index] ?? 0) - ms) < toleranceMs);
      if (isAsSet && jumpMs !== 0) jumps += 1;
      if (!isAsSet) untouched += 1;
      await stage.pass(Math.min(stepMs, Math.max(0, endsAt - performance.now())));
    }
    jumping.set(0);
    drifting.set(0);
    stage.healed('they are right again');
    await stage.pass(2_000);
    await stage.finish();
    const { falseAlarms } = stage.ledger.report(performance.now());
    const histories = await Promise.all(
      stage.channels.filter((channel) => kindOf(channel) === 'history').map((name) => judged(stage, name)),
    );
    const sum = (of: keyof Judgement) => histories.reduce((total, history) => total + history[of], 0);
    return stage.result([
      atLeast('jumps of an hour that the node took for its time', jumps, 1),
      timed(exactly('times that a node had another time than it was given', untouched, 0)),
      exactly('disconnects', stage.disconnects, 0),
      exactly('gaps', falseAlarms, 0),
      exactly('kept in another order than published', sum('unsorted'), 0),
      exactly('acknowledged in the last minute, and not kept', sum('expired'), 0),
      exactly('generations of the history that ended', (await claimsOf(stage)) - claimsBefore, 0),
      atMost('late deliveries until after the end', stage.caughtUpAfterHealMs, 500, ' ms'),
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

interface Judgement {
  readonly unsorted: number;
  readonly expired: number;
}

/** What the first node hands out of a history. */
async function judged({ nodes, ledger }: Stage, channel: string): Promise<Judgement> {
  const publishers = ledger.publishersOf(channel);
  const kept = await readBack((nodes[0] as Stage['nodes'][number]).url, channel, ledger);
  const last = new Map<string, number>();
  const unsorted = kept.filter(({ publisher, number }) => {
    const before = last.get(publisher) ?? 0;
    last.set(publisher, number);
    return number <= before;
  }).length;
  const names = new Set(kept.map(({ publisher, number }) => `${publisher} ${number}`));
  const since = performance.now() - surelyKeptMs;
  const wanted = publishers.flatMap((publisher) =>
    ledger
      .acked(channel, publisher)
      .filter((number) => (ledger.series(channel, publisher)?.of(number)?.at ?? 0) > since)
      .map((number) => `${publisher} ${number}`),
  );
  return { unsorted, expired: wanted.filter((name) => !names.has(name)).length };
}

async function claimsOf(stage: Stage): Promise<number> {
  const counts = await Promise.all(
    stage.nodes.map((node) => node.metric('outcry_history_claims_changed_total')),
  );
  return counts.reduce((total, count) => total + count, 0);
}
