/**
 * Several nodes of one kind on one Redis, which share the subscribers; whoever publishes does so on the first.
 */
import { Redis } from 'ioredis';
import { redisServer, missingOf } from './debian.ts';
import { OwnRedis } from './own-redis.ts';
import type { RunningSystem, StartOptions, System } from './system.ts';

export interface JoinedOptions {
  nodes: number;
  /** One of the nodes, by its number from 1. */
  node(redisUrl: string, number: number): System;
  /** Resolves when it hears the others. */
  isReady?(node: RunningSystem): Promise<void>;
}

export function joinedByRedis(name: string, bare: string, options: JoinedOptions): System {
  return {
    ...{ name, bare, nodes: options.nodes, manyChannels: true },
    missing: () => missingOf(name, [redisServer]),
    start: (startOptions) => start(options, startOptions),
  };
}

async function start({ nodes, node, isReady }: JoinedOptions, options: StartOptions): Promise<RunningSystem> {
  const redis = await OwnRedis.start(options.running);
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  const started = await Promise.all(numbers.map((number) => node(redis.url, number).start(options)));
  await Promise.all(started.map((each) => isReady?.(each)));
  const observer = new Redis(redis.url);
  return {
    publishTo: (started[0] as RunningSystem).publishTo,
    subscribeTo: started.flatMap(({ subscribeTo }) => subscribeTo),
    command: started.map(({ command }) => command).join('; '),
    pids: started.flatMap(({ pids }) => pids),
    around: { Redis: [redis.pid] },
    counters: async () => ({
      redisCommands: commandsIn(await observer.info('stats')),
      redisReads: readsIn(await observer.info('commandstats')),
    }),
    collectGarbage: () => Promise.reject(new Error('several nodes are not asked to collect their garbage')),
    async stop() {
      observer.disconnect();
      await Promise.all(started.map((each) => each.stop()));
      await redis.stop();
    },
  };
}

function commandsIn(info: string): number {
  return Number(/^total_commands_processed:(\d+)/m.exec(info)?.[1]);
}

/** Of streams, from scripts as well. */
function readsIn(info: string): number {
  return Array.from(info.matchAll(/^cmdstat_x(?:rev)?range:calls=(\d+)/gm)).reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}
