/**
 * What the scenario `history` compares: channels without a history and with one, heard on the node that publishes and on
 * another one, with a Redis of their own.
 *
 * The nodes are programs that do nothing else (`baselines/joined-bun.ts`), so that the difference is not hidden behind
 * what a node costs anyway.
 */
import { baseline } from './baseline.ts';
import { joinedByRedis } from './joined-by-redis.ts';
import type { System } from './system.ts';

export type Kind = 'plain' | 'history';

/** Each with what it is compared with, which runs twice in each round. */
export function keptByRedis(): System[] {
  return [1, 2].flatMap((nodes) => (['plain', 'history'] as const).map((kind) => joined(nodes, kind)));
}

function joined(nodes: number, kind: Kind): System {
  const nameOf = (each: Kind) => `${each}, ${nodes === 1 ? 'same node' : 'other node'}`;
  const { start, ...system } = joinedByRedis(nameOf(kind), nameOf('plain'), {
    nodes,
    node: (redisUrl, number) =>
      baseline(`${kind}-${number}`, nameOf('plain'), {
        ...{ runtime: 'bun', file: 'joined-bun.ts', args: [redisUrl, number === 1 ? kind : 'nobody'] },
      }),
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
