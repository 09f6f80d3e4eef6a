/**
 * All places of Redis behind a relay, and the bridge that watches them.
 *
 * It has no subscribers: it beats as any node does, and drops the connections to a place when it is cut off or led astray there.
 * The relay therefore is a node of the cluster, without clients. In a Redis Cluster it also finds out which master has what; workers
 * are told by the relay.
 */
import type { BridgeState } from './bridge.ts';
import type { Placement, RedisPlace } from './redis-place.ts';
import { RedisUpstream, type RedisUpstreamOptions } from './redis-upstream.ts';
import type { RelayUpstream, RelayUpstreams } from './relay-upstream.ts';
import type { ServedHistory } from './served-history.ts';

/** The bridge that watches, as far as it is needed here. */
export interface Watch {
  start(receive: () => void, onGap: () => void): void;
  stop(): Promise<void>;
}

export interface RedisUpstreamsOptions extends Omit<RedisUpstreamOptions, 'place'> {
  placement: Placement;
  /** Channels have a history. */
  keepsHistory: boolean;
  /** Makes the bridge that watches these places, and looks after the connections of this history. */
  watch(
    placement: Placement,
    history: ServedHistory | null,
    onPlaceState: (place: RedisPlace, state: BridgeState) => void,
  ): Watch;
}

export class RedisUpstreams implements RelayUpstreams {
  readonly #options: RedisUpstreamsOptions;
  readonly #watch: Watch;
  /** By the places that the watch has; in these the workers' connections are dialled. */
  #upstreams = new Map<RedisPlace, RedisUpstream>();
  /** By the places that there are. */
  #watched = new Map<RedisPlace, RedisPlace>();
  #onChange: (upstreams: readonly RelayUpstream[]) => void = () => {};

  constructor(options: RedisUpstreamsOptions) {
    const { placement, keepsHistory, watch } = options;
    this.#options = options;
    this.#watch = watch(
      {
        start: (onChange) => placement.start((places) => onChange(this.#settle(places))),
        suspect: () => placement.suspect(),
        stop: () => placement.stop(),
      },
      keepsHistory ? this.#servedHistory() : null,
      (place, state) => this.#upstreams.get(place)?.watched(state),
    );
  }

  start(onChange: (upstreams: readonly RelayUpstream[]) => void): void {
    this.#onChange = onChange;
    this.#watch.start(
      () => {},
      () => {},
    );
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
  }

  /** Whoever waits for them hears of the places before the watch dials. */
  #settle(places: readonly RedisPlace[]): RedisPlace[] {
    const upstreams = new Map<RedisPlace, RedisUpstream>();
    const watched = new Map<RedisPlace, RedisPlace>();
    for (const place of places) {
      const known = this.#watched.get(place);
      const upstream =
        this.#upstreams.get(known as RedisPlace) ?? new RedisUpstream({ ...this.#options, place });
      const own = known ?? { ...place, broker: upstream.broker };
      watched.set(place, own);
      upstreams.set(own, upstream);
    }
    this.#watched = watched;
    this.#upstreams = upstreams;
    this.#onChange([...upstreams.values()]);
    return [...upstreams.keys()];
  }

  /** For the bridge that watches: it has no channels, and nothing is handed to it. */
  #servedHistory(): ServedHistory {
    return {
      pubsubChannel: () => '',
      frame: () => true,
      doubt() {},
      open: (place, onLost) => (this.#upstreams.get(place) as RedisUpstream).openHistory(onLost),
    };
  }
}
