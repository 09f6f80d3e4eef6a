/** All scenarios, in the order in which they are run. */
import type { Scenario } from '../lab/scenario.ts';
import { nothing } from './r02-nothing.ts';
import { nodeKill } from './r03-node-kill.ts';
import { redisRestart } from './r04-redis-restart.ts';
import { lateRedis } from './r05-late-redis.ts';
import { failover } from './r06-failover.ts';
import { detachedMaster } from './r07-detached-master.ts';
import { outputBuffer } from './r08-output-buffer.ts';
import { redisBlackhole } from './r09-redis-blackhole.ts';
import { slowReader } from './r10-slow-reader.ts';
import { vanishedClients } from './r12-vanished-clients.ts';
import { drain } from './r13-drain.ts';
import { allKilled } from './r14-all-killed.ts';
import { handshakeStorm } from './r15-handshake-storm.ts';
import { frozenNode } from './r16-frozen-node.ts';
import { memory } from './r17-memory.ts';
import { descriptors } from './r18-descriptors.ts';
import { clocks } from './r19-clocks.ts';
import { mutatedFrames } from './r20-mutated-frames.ts';
import { mixedVersions } from './r21-mixed-versions.ts';
import { chaos } from './r22-chaos.ts';
import { acknowledged } from './r23-acknowledged.ts';
import { health } from './r24-health.ts';
import { churn } from './r25-churn.ts';
import { clusterFailover } from './r26-cluster-failover.ts';
import { oneOfSeveral } from './r27-one-of-several.ts';

export const scenarios: readonly Scenario[] = [
  nothing,
  nodeKill,
  redisRestart,
  lateRedis,
  failover,
  detachedMaster,
  outputBuffer,
  redisBlackhole,
  slowReader,
  vanishedClients,
  drain,
  allKilled,
  handshakeStorm,
  frozenNode,
  memory,
  descriptors,
  clocks,
  mutatedFrames,
  mixedVersions,
  chaos,
  acknowledged,
  health,
  churn,
  clusterFailover,
  oneOfSeveral,
];
