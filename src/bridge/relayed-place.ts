/**
 * What a worker is told of a place that it reaches through the relay of its host: all that it must know to be a node there.
 */
import { Malformed } from '../protocol/malformed.ts';
import { asInteger, asList, asText, type ReadValue, relayFrame, toWorker } from '../protocol/relay-frame.ts';
import type { RedisPlace } from './redis-place.ts';

export interface RelayedPlace
  extends Pick<RedisPlace, 'name' | 'shards' | 'controlChannel' | 'layoutKey' | 'layout'> {
  /** Whoever dials the relay names it by this. Another one for the same server with other shards. */
  readonly id: string;
}

/** The id of the only place of a host without Redis. */
export const hostItself = '';

export function relayedPlace(place: Omit<RelayedPlace, 'id'>): RelayedPlace {
  const { name, shards, controlChannel, layoutKey, layout } = place;
  return { id: `${name} ${shards.join()}`, name, shards, controlChannel, layoutKey, layout };
}

/** Tells a worker of all places that there are. */
export function placesFrame(places: readonly RelayedPlace[]): Buffer {
  return relayFrame(
    toWorker.places,
    ...places.map((place) => [
      ...[place.id, place.name, place.shards],
      ...[place.controlChannel, place.layoutKey, place.layout],
    ]),
  );
}

/**
 * @param shards how many there are
 * @throws Malformed
 */
export function placesIn(values: readonly ReadValue[], shards: number): RelayedPlace[] {
  return values.map((value) => {
    const [id, name, some, controlChannel, layoutKey, layout] = asList(value);
    const own = asList(some).map(asInteger);
    if (own.length === 0 || own.some((shard) => shard < 0 || shard >= shards))
      throw new Malformed('a place has shards that do not exist');
    return {
      ...{ id: asText(id), name: asText(name), shards: own },
      ...{ controlChannel: asText(controlChannel), layoutKey: asText(layoutKey), layout: asText(layout) },
    };
  });
}
