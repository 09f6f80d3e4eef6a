/**
 * What the scenario `cluster` compares: one node, several through Redis, and what stands in front of them.
 */
import { baseline } from './baseline.ts';
import { behindHaproxy, type Way } from './behind-haproxy.ts';
import { joinedByRedis } from './joined-by-redis.ts';
import { outcry } from './outcry.ts';
import type { Codec, RunningSystem, Runtime, System } from './system.ts';

/** What nodes are compared with, and what HAProxy before a node is; both run twice in each round. */
export const oneNode = 'one';
export const bareBehindHaproxy = 'bare-bun-l7';

const ways: readonly Way[] = ['l4', 'l7', 'tls'];

/** Nodes of ours of that kind, and what they are compared with. */
export function clusters(runtime: Runtime, codec: Codec): System[] {
  const one = outcry(oneNode, oneNode, { runtime, codec });
  const bareBun = baseline('bare-bun', oneNode, { runtime: 'bun', file: 'bare-bun.ts' });
  const two = joined('two', 2, runtime, codec);
  return [
    one,
    two,
    joined('four', 4, runtime, codec),
    ...ways.map((way) => behindHaproxy(`two-${way}`, oneNode, two, way)),
    behindHaproxy('one-l7', bareBehindHaproxy, one, 'l7'),
    behindHaproxy(bareBehindHaproxy, bareBehindHaproxy, bareBun, 'l7'),
    joinedByRedis('socket.io-two', oneNode, {
      nodes: 2,
      node: (redisUrl, number) =>
        baseline(`socket.io-${number}`, oneNode, {
          ...{ runtime: 'node', file: 'socket-io.mjs', args: [redisUrl], dialect: 'socket-io' },
        }),
    }),
  ];
}

function joined(name: string, nodes: number, runtime: Runtime, codec: Codec): System {
  return joinedByRedis(name, oneNode, {
    nodes,
    node: (redisUrl, number) =>
      outcry(`node-${number}`, oneNode, {
        ...{ runtime, codec },
        flags: ['--redis', redisUrl, '--node-id', `node-${number}`],
      }),
    isReady,
  });
}

/** Resolves when a node of ours hears its Redis. */
export async function isReady({ publishTo: { host, port } }: RunningSystem): Promise<void> {
  const giveUpAt = performance.now() + 15_000;
  while ((await fetch(`http://${host}:${port}/health/ready`)).status !== 200) {
    if (performance.now() > giveUpAt) throw new Error('a node does not hear its Redis');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
