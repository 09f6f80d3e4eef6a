/**
 * Where the shards of the cluster are, for a worker: behind the relay of its host, which knows. It tells on a connection that is
 * there for nothing else, now and whenever something has changed; the last that it has told holds while it is away.
 */
import type { Placement, RedisPlace } from './redis-place.ts';
import { relayAt } from './relay-broker.ts';
import { RelayConnection, type RelayConnectionOptions } from './relay-connection.ts';
import { type RelayedPlace, placesIn } from './relayed-place.ts';

export interface RelayPlacementOptions
  extends Pick<RelayConnectionOptions, 'path' | 'bootId' | 'commandTimeoutMs' | 'clock'> {
  /** Of the whole cluster. */
  shards: number;
  /** Why the relay does not tell. */
  onError(message: string): void;
}

export class RelayPlacement implements Placement {
  readonly #options: RelayPlacementOptions;
  /** By what was told of them. */
  #places = new Map<string, RedisPlace>();
  #connection: RelayConnection | null = null;

  constructor(options: RelayPlacementOptions) {
    this.#options = options;
  }

  start(onChange: (places: readonly RedisPlace[]) => void): void {
    const { shards } = this.#options;
    this.#connection = new RelayConnection({
      ...this.#options,
      role: 'places',
      onReady() {},
      onLost() {},
      onMessage() {},
      onPlaces: (values) => {
        const told = placesIn(values, shards);
        // The relay does not know yet: it was started a moment ago.
        if (told.length > 0 && this.#settle(told)) onChange([...this.#places.values()]);
      },
    });
  }

  /** The relay has the connections to Redis, and notices by itself. */
  suspect(): void {}

  stop(): void {
    this.#connection?.end();
  }

  /** Returns whether anything is another than before. */
  #settle(told: readonly RelayedPlace[]): boolean {
    const before = this.#places;
    this.#places = new Map(
      told.map((place) => {
        const key = JSON.stringify(place);
        return [key, before.get(key) ?? this.#placeAt(place)];
      }),
    );
    return this.#places.size !== before.size || [...this.#places.keys()].some((key) => !before.has(key));
  }

  #placeAt({ id, name, shards, controlChannel, layoutKey, layout }: RelayedPlace): RedisPlace {
    const { broker, dialHistory } = relayAt({ ...this.#options, place: id });
    return {
      ...{ broker, dialHistory, name, shards, controlChannel, layoutKey, layout },
      async isStillHere(runId, as) {
        const found = await broker.look(as);
        return found.role === 'master' && found.runId === runId;
      },
    };
  }
}
