/**
 * Faults of several Redis servers and of a Redis Cluster, small: nothing may be lost without a word. How long things take is
 * not judged here, where other tests run beside.
 */
import { expect, it } from 'vitest';
import { runtime } from '../support/runtimes.ts';
import { kindsOfBuild } from './lab/build.ts';
import { run } from './lab/run.ts';
import type { Scenario } from './lab/scenario.ts';
import { clusterFailover } from './scenarios/r26-cluster-failover.ts';
import { oneOfSeveral } from './scenarios/r27-one-of-several.ts';

it.concurrent.each<[string, Scenario]>([
  [oneOfSeveral.fault, oneOfSeveral],
  [clusterFailover.fault, clusterFailover],
])(
  '%s: nothing is lost silently',
  async (_fault, scenario) => {
    const said: string[] = [];
    const kinds = kindsOfBuild();
    const { lines } = await run(scenario, {
      ...{ runtime, kinds, short: true, seed: 1 },
      say: (sentence) => said.push(sentence),
    });
    const missed = lines.filter(({ holds, wanted }) => !holds && !wanted.endsWith(' ms'));
    expect(missed, said.join('\n')).toEqual([]);
  },
  120_000,
);
