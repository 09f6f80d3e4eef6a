/**
 * Two nodes of one kind on a Redis of their own, of which the second node and the Redis can be killed; they come back where
 * they were.
 */
import { freePorts } from '../../scripts/cluster/ports.ts';
import type { Target } from '../generator/messages.ts';
import { baseline } from '../systems/baseline.ts';
import { isReady } from '../systems/clusters.ts';
import { missingOf, redisServer } from '../systems/debian.ts';
import { outcry } from '../systems/outcry.ts';
import { OwnRedis } from '../systems/own-redis.ts';
import type { Running } from '../systems/running.ts';
import type { Codec, RunningSystem, System } from '../systems/system.ts';

/** How a pair is made. */
export interface PairKind {
  readonly name: string;
  /** One of its nodes, by its number from 1, on that port. */
  node(redisUrl: string, number: number, port: number): System;
  /** Resolves when a node hears the other. */
  isReady?(node: RunningSystem): Promise<void>;
}

/** Why there can be no pair here, in a sentence; null if there can. */
export function whyNoPair(): string | null {
  return missingOf('Redis', [redisServer]);
}

/** Bare Bun with the plainest of relays. */
export const relayedBun: PairKind = {
  name: 'bare Bun and a Redis relay',
  node: (redisUrl, number, port) =>
    baseline(`relayed-bun-${number}`, 'relayed-bun', {
      ...{ runtime: 'bun', file: 'relayed-bun.ts', args: [redisUrl, String(port)] },
    }),
};

/** Publications that are kept of each channel by a pair with a history: more than the fastest feed brings in half a second. */
const historySize = 10_000;

/** @param history whether channels have one, and clients that come back ask for what they have missed */
export function outcryPair(codec: Codec, history = false): PairKind {
  const kept = history ? ['--namespaces', JSON.stringify({ default: { historySize } })] : [];
  return {
    name: 'Outcry',
    node: (redisUrl, number, port) =>
      outcry(`node-${number}`, 'node', {
        ...{ runtime: 'bun', codec },
        flags: ['--port', String(port), '--redis', redisUrl, '--node-id', `node-${number}`, ...kept],
        ...(history ? { dialect: 'outcry-history' } : {}),
      }),
    isReady,
  };
}

export class Pair {
  readonly #kind: PairKind;
  readonly #running: Running;
  readonly #redis: OwnRedis;
  readonly #ports: readonly number[];
  #nodes: readonly RunningSystem[] = [];

  private constructor(kind: PairKind, running: Running, redis: OwnRedis, ports: readonly number[]) {
    this.#kind = kind;
    this.#running = running;
    this.#redis = redis;
    this.#ports = ports;
  }

  /** Resolves when both nodes hear each other. */
  static async start(kind: PairKind, running: Running): Promise<Pair> {
    const pair = new Pair(kind, running, await OwnRedis.start(running), await freePorts(2));
    pair.#nodes = await Promise.all([1, 2].map((number) => pair.#startNode(number)));
    return pair;
  }

  /** For publishing: the node that is never killed. */
  get publishTo(): Target {
    return this.#first.publishTo;
  }

  get subscribeTo(): readonly Target[] {
    return this.#nodes.flatMap(({ subscribeTo }) => subscribeTo);
  }

  /** Of both nodes. */
  get pids(): readonly number[] {
    return this.#nodes.flatMap(({ pids }) => pids);
  }

  /** The second, by SIGKILL. */
  async killNode(): Promise<void> {
    const node = this.#nodes[1] as RunningSystem;
    for (const pid of node.pids) process.kill(pid, 'SIGKILL');
    await node.stop();
  }

  /** After `killNode`. */
  async startNodeAgain(): Promise<void> {
    this.#nodes = [this.#first, await this.#startNode(2)];
  }

  /** By SIGKILL. */
  async killRedis(): Promise<void> {
    await this.#redis.kill();
  }

  /** After `killRedis`: empty, at the same port. */
  async startRedisAgain(): Promise<void> {
    await this.#redis.startAgain();
  }

  get #first(): RunningSystem {
    return this.#nodes[0] as RunningSystem;
  }

  async #startNode(number: number): Promise<RunningSystem> {
    const port = this.#ports[number - 1] as number;
    const node = await this.#kind.node(this.#redis.url, number, port).start({ running: this.#running });
    await this.#kind.isReady?.(node);
    return node;
  }
}
