/** All scenarios, in the order in which they are run. */
import type { Scenario } from '../lab/scenario.ts';
import { nodeKill } from './r03-node-kill.ts';
import { redisRestart } from './r04-redis-restart.ts';
import { redisBlackhole } from './r09-redis-blackhole.ts';
import { slowReader } from './r10-slow-reader.ts';
import { frozenNode } from './r16-frozen-node.ts';
import { health } from './r24-health.ts';

export const scenarios: readonly Scenario[] = [
  nodeKill,
  redisRestart,
  redisBlackhole,
  slowReader,
  frozenNode,
  health,
];
