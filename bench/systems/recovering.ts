/**
 * What the scenario `recovery` compares: systems that keep what a client misses, each with room for more than that, and the
 * nodes of ours on a Redis also with a client that comes back to another node, where nobody has heard of the channel.
 */
import type { Target } from '../generator/messages.ts';
import { baseline } from './baseline.ts';
import { centrifuge } from './centrifuge.ts';
import { isReady } from './clusters.ts';
import { joinedByRedis } from './joined-by-redis.ts';
import { outcry } from './outcry.ts';
import type { RunningSystem, System } from './system.ts';

/** What the others are compared with. */
const socketIo = 'socket.io';

export interface Recovering extends System {
  /** Where its clients come back to. */
  comeBackTo(running: RunningSystem): readonly Target[];
}

/** @param kept publications of each channel */
export function recoveringSystems(kept: number): Recovering[] {
  const history = ['--namespaces', JSON.stringify({ default: { historySize: kept } })];
  const joined = (name: string, nodes: number) =>
    joinedByRedis(name, socketIo, {
      nodes,
      node: (redisUrl, number) =>
        outcry(`node-${number}`, socketIo, {
          ...{ runtime: 'bun', codec: 'msgpack' },
          flags: ['--redis', redisUrl, '--node-id', `node-${number}`, ...history],
        }),
      isReady,
    });
  return [
    where(
      baseline(socketIo, socketIo, {
        ...{ runtime: 'node', file: 'socket-io.mjs', args: ['--recovery'], dialect: 'socket-io' },
      }),
    ),
    where(centrifuge('centrifuge', socketIo, { writeDelayMs: 20, historySize: kept })),
    where(outcry('outcry-bun', socketIo, { runtime: 'bun', codec: 'msgpack', flags: history })),
    where(outcry('outcry-node', socketIo, { runtime: 'node', codec: 'msgpack', flags: history })),
    where(joined('outcry-redis', 1)),
    where(joined('outcry-redis-other-node', 2)),
  ];
}

/** They come to the first node, and back to the last. */
function where(system: System): Recovering {
  return { ...system, comeBackTo: ({ subscribeTo }) => subscribeTo.slice(-1) };
}
