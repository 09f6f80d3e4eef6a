/**
 * Some of the faults of `npm run faults`, small, with each test run: nothing may be lost without a word. How long things take
 * is not judged here, where other tests run beside.
 */
import { expect, it } from 'vitest';
import { runtime } from '../support/runtimes.ts';
import { kindsOfBuild } from './lab/build.ts';
import { verdictOf } from './lab/line.ts';
import { run } from './lab/run.ts';
import type { Scenario } from './lab/scenario.ts';
import { nodeKill } from './scenarios/r03-node-kill.ts';
import { redisRestart } from './scenarios/r04-redis-restart.ts';

const kinds = kindsOfBuild();

it.each<[string, Scenario]>([
  [nodeKill.fault, nodeKill],
  [redisRestart.fault, redisRestart],
])(
  '%s: nothing is lost silently',
  async (_fault, scenario) => {
    const said: string[] = [];
    const seed = 1;
    const { lines } = await run(scenario, {
      runtime,
      kinds,
      short: true,
      lean: true,
      seed,
      say: (sentence) => said.push(sentence),
    });
    const missed = lines.filter((line) => verdictOf(line, true) === 'missed');
    expect(missed, said.join('\n')).toEqual([]);
  },
  90_000,
);
