/**
 * The Redis channels of each shard: one for frames of the bridge, and one for those of the history, where there is one.
 */
import type { ServedHistory } from './served-history.ts';

/** What comes on a channel of a shard. */
export interface Arrival {
  readonly shard: number;
  readonly of: 'bridge' | 'history';
}

export class ShardChannels {
  readonly #channels: readonly (readonly string[])[];
  readonly #arrivals = new Map<string, Arrival>();

  constructor(prefix: string, shards: number, history: Pick<ServedHistory, 'pubsubChannel'> | null) {
    this.#channels = Array.from({ length: shards }, (_, shard) => {
      const channel = `${prefix}.v1.${shards}.{${shard}}`;
      this.#arrivals.set(channel, { shard, of: 'bridge' });
      if (history === null) return [channel];
      const channelOfHistory = history.pubsubChannel(shard);
      this.#arrivals.set(channelOfHistory, { shard, of: 'history' });
      return [channel, channelOfHistory];
    });
  }

  /** On which frames of the bridge go. */
  of(shard: number): string {
    return this.#channels[shard]?.[0] as string;
  }

  /** On which everything of some shards comes. */
  allOf(shards: readonly number[]): string[] {
    return shards.flatMap((shard) => this.#channels[shard] as readonly string[]);
  }

  /** Undefined for a channel that is none of a shard. */
  arrivalOn(channel: string): Arrival | undefined {
    return this.#arrivals.get(channel);
  }
}
