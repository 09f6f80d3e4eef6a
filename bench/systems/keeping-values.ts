/**
 * What the scenario `snapshot` compares: nodes that keep the newest value of each key, and a server that does nothing but hand
 * out as many bytes that were made before.
 */
import { baseline } from './baseline.ts';
import { isReady } from './clusters.ts';
import { joinedByRedis } from './joined-by-redis.ts';
import { outcry } from './outcry.ts';
import type { Runtime, System } from './system.ts';

/** What the others are compared with. */
const readyMade = 'ready-made';

/** @param keys of the channel, each with a value of so many bytes */
export function valueKeepers(keys: number, recordBytes: number): System[] {
  const latest = ['--namespaces', JSON.stringify({ default: { latest: keys } })];
  const alone = (runtime: Runtime) =>
    outcry(`outcry-${runtime}`, readyMade, { runtime, codec: 'msgpack', flags: latest });
  return [
    baseline(readyMade, readyMade, {
      ...{ runtime: 'bun', file: 'ready-made-bun.ts', args: [String(keys), String(recordBytes)] },
      dialect: 'raw',
    }),
    alone('bun'),
    alone('node'),
    joinedByRedis('outcry-redis', readyMade, {
      nodes: 1,
      node: (redisUrl) =>
        outcry('node', readyMade, {
          ...{ runtime: 'bun', codec: 'msgpack' },
          flags: ['--redis', redisUrl, ...latest],
        }),
      isReady,
    }),
  ];
}
