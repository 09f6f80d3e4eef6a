/**
 * Where some of the shards of a cluster are: behind one broker, which is one Redis server, or what stands for it.
 */
import type { Broker, BrokerEvents } from './broker.ts';
import type { RedisConnection } from './redis-connection.ts';

/** Changes whenever nodes could no longer understand each other's channels. */
const layoutVersion = 1;

/** What leads to one server. */
export interface RedisServerAddress {
  /** Of the server, for the log. */
  readonly name: string;
  readonly broker: Broker;
  /** Like `Broker.dial`, for the scripts of the history. */
  dialHistory(name: string, events: BrokerEvents): HistoryConnection;
}

export type HistoryConnection = Pick<
  RedisConnection,
  'ready' | 'bytesInFlight' | 'run' | 'identify' | 'reconnect' | 'end'
>;

export interface RedisPlace extends RedisServerAddress {
  /** In ascending order; at least one. */
  readonly shards: readonly number[];
  /** The Redis channel of beats and questions. */
  readonly controlChannel: string;
  /** The key under which the cluster keeps how its channels are laid out, and what this node expects there. */
  readonly layoutKey: string;
  readonly layout: string;
  /**
   * Whether these shards are still where they were, on the server with that `run_id`. Rejects if nobody can say.
   *
   * @param as name of a connection that is made for it
   */
  isStillHere(runId: string, as: string): Promise<boolean>;
}

/** All places that there are; in a Redis Cluster they change. */
export interface Placement {
  /** Calls `onChange` when they are known, and when they have changed. A place that is as it was is the same object. */
  start(onChange: (places: readonly RedisPlace[]) => void): void;
  /** Something is wrong with a place: it may not be where it was. */
  suspect(): void;
  stop(): void;
}

/**
 * Independent servers, over which the shards are spread in turn, or one that has them all. Which one of how many a server is
 * belongs to the layout: nodes with another list, or another order, would publish where nobody listens.
 */
export function fixedPlacement(
  servers: readonly RedisServerAddress[],
  prefix: string,
  shards: number,
): Placement {
  const all = Array.from({ length: shards }, (_, shard) => shard);
  const places = servers.map(({ name, broker, dialHistory }, index) => ({
    ...{ name, broker, dialHistory },
    shards: all.filter((shard) => shard % servers.length === index),
    controlChannel: `${prefix}.v1.beat`,
    layoutKey: `${prefix}.meta`,
    layout: `${layoutOf(shards)}${servers.length === 1 ? '' : ` server=${index + 1}/${servers.length}`}`,
    async isStillHere(runId: string, as: string) {
      const found = await broker.look(as);
      return found.role === 'master' && found.runId === runId;
    },
  }));
  return { start: (onChange) => onChange(places), suspect() {}, stop() {} };
}

export function layoutOf(shards: number): string {
  return `layout=${layoutVersion} shards=${shards}`;
}
