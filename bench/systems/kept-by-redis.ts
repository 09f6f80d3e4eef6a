/**
 * What the scenario `history` compares: the same nodes, told to keep a history of each channel and told nothing, heard on the
 * node that publishes and on another one, with a Redis of their own.
 */
import { isReady } from './clusters.ts';
import { joinedByRedis } from './joined-by-redis.ts';
import { outcry } from './outcry.ts';
import type { System } from './system.ts';

export type Kind = 'plain' | 'history';

const flags: Record<Kind, readonly string[]> = {
  plain: [],
  history: ['--namespaces', JSON.stringify({ default: { historySize: 100 } })],
};

/** Each with what it is compared with, which runs twice in each round. */
export function keptByRedis(): System[] {
  return [1, 2].flatMap((nodes) => (['plain', 'history'] as const).map((kind) => joined(nodes, kind)));
}

function joined(nodes: number, kind: Kind): System {
  const nameOf = (each: Kind) => `${each}, ${nodes === 1 ? 'same node' : 'other node'}`;
  const { start, ...system } = joinedByRedis(nameOf(kind), nameOf('plain'), {
    nodes,
    node: (redisUrl, number) =>
      outcry(`${kind}-${number}`, nameOf('plain'), {
        ...{ runtime: 'bun', codec: 'msgpack' },
        flags: ['--redis', redisUrl, '--node-id', `node-${number}`, ...flags[kind]],
      }),
    isReady,
  });
  return {
    ...system,
    // One of them has all subscribers.
    nodes: 1,
    async start(options) {
      const running = await start(options);
      return { ...running, subscribeTo: running.subscribeTo.slice(-1) };
    },
  };
}
