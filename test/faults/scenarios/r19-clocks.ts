/**
 * R19: the wall clocks of nodes jump by an hour, forward and back, and one drifts slowly, while everybody talks. Nothing may depend on
 * them: nobody is disconnected, nothing expires early, offsets go on.
 *
 * libfaketime stands between a node and its clock (Debian: `libfaketime`). It takes its offset from a file that is read again each
 * time; the monotonic clock stays what it is.
 */
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/errors.ts';
import { kindOf } from '../lab/channel-kind.ts';
import { atMost, exactly, holds } from '../lab/line.ts';
import { readBack } from '../lab/read-back.ts';
import type { Scenario } from '../lab/scenario.ts';
import { Stage } from '../lab/stage.ts';

const libraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
];
const hourS = 3_600;
const driftMsPerSecond = 20;
const stepMs = 5_000;

export const clocks: Scenario = {
  id: 'R19',
  fault: 'the clocks of nodes jump by an hour, or drift',
  manner: 'long',
  async run(around) {
    const library = libraries.find((file) => existsSync(file));
    if (library === undefined)
      throw new UserError('R19 needs libfaketime: apt-get install libfaketime installs it');
    const folder = mkdtempSync(join(tmpdir(), 'outcry-clocks-'));
    around.cleanUp(async () => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'offset');
    const set = (seconds: number) => {
      // Renamed, so that nobody reads half of it.
      writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds.toFixed(3)}\n`);
      renameSync(`${file}.new`, file);
    };
    set(0);
    const stage = await Stage.open(around, {
      nodes: 2,
      listeners: 60,
      channels: 20,
      messagesPerSecond: 50,
      nodeEnv: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    });
    await stage.speak();
    const claims = async () => await claimsOf(stage);
    const claimsBefore = await claims();
    stage.fault('clocks jump');
    const endsAt = performance.now() + around.minutes * 60_000;
    let driftMs = 0;
    for (let step = 0; performance.now() < endsAt; step += 1) {
      driftMs += (driftMsPerSecond * stepMs) / 1_000;
      const jump = [0, hourS, 0, -hourS][step % 4] as number;
      set(jump + driftMs / 1_000);
      await stage.pass(Math.min(stepMs, Math.max(0, endsAt - performance.now())));
    }
    const skewMs = await skewOf(stage);
    set(0);
    stage.healed('they are right again');
    await stage.pass(2_000);
    await stage.finish();
    const { falseAlarms } = stage.ledger.report(performance.now());
    const unsorted = await Promise.all(
      stage.channels
        .filter((channel) => kindOf(channel) === 'history')
        .map(async (channel) => {
          const last = new Map<string, number>();
          const kept = await readBack((stage.nodes[0] as Stage['nodes'][number]).url, channel, stage.ledger);
          return kept.filter(({ publisher, number }) => {
            const before = last.get(publisher) ?? 0;
            last.set(publisher, number);
            return number <= before;
          }).length;
        }),
    );
    return stage.result([
      holds('nodes took the wrong time for the right one', skewMs !== null && skewMs > 1_000),
      exactly('disconnects', stage.disconnects, 0),
      exactly('gaps', falseAlarms, 0),
      exactly(
        'kept in another order than published',
        unsorted.reduce((total, count) => total + count, 0),
        0,
      ),
      exactly('generations of the history that ended', (await claims()) - claimsBefore, 0),
      atMost('late deliveries until after the end', stage.caughtUpAfterHealMs, 500, ' ms'),
      holds(
        'ready all the time',
        stage.health.every(
          (watch) => watch.greenMs(stage.faultAt, stage.healedAt) >= stage.healedAt - stage.faultAt - 1,
        ),
      ),
    ]);
  },
};

async function claimsOf(stage: Stage): Promise<number> {
  const counts = await Promise.all(
    stage.nodes.map((node) => node.metric('outcry_history_claims_changed_total')),
  );
  return counts.reduce((total, count) => total + count, 0);
}

/** By how much the clock of the first node is wrong, as its log says; null if it has said nothing. */
async function skewOf(stage: Stage): Promise<number | null> {
  const node = stage.nodes[0] as Stage['nodes'][number];
  const answer = await fetch(`http://127.0.0.1:${node.port}/health/live`);
  const date = answer.headers.get('date');
  return date === null ? null : Math.abs(Date.parse(date) - Date.now());
}
