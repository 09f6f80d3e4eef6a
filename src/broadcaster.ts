/**
 * The one path of a message. *Publish* reaches the whole cluster, *broadcast* (the hub's) reaches this node.
 *
 * A channel without history is local first: this node's subscribers get a publication at once, the bridge takes it to the
 * other nodes. A channel with history is sequenced: a publication goes to the history, and every node, this one too,
 * delivers what the history hands out (`channel/sequenced-rooms.ts`).
 *
 * A publication with an **idempotency key** may be published again. In a channel with history the history sees to it; in
 * the others each node remembers for a while the keys that it has broadcast, whoever published them, and broadcasts none
 * twice. The key travels with the publication. One that is not known to have reached the other nodes is sent to them again:
 * those that have it discard it.
 */
import type { Bridge, Outcome } from './bridge/bridge.ts';
import type { Announcements } from './channel/announcements.ts';
import type { Hub } from './channel/hub.ts';
import type { IdempotencyKeys } from './channel/idempotency-keys.ts';
import type { Publication } from './channel/publication.ts';
import type { SequencedRooms } from './channel/sequenced-rooms.ts';
import type { Appended, History } from './history/history.ts';
import type { HistoryMetrics } from './metrics/history-metrics.ts';
import type { Metrics } from './metrics/metrics.ts';

/** What channels with history need. */
export interface Sequencing {
  keepsHistory(channel: string): boolean;
  readonly history: Pick<History, 'append'>;
  readonly rooms: Pick<SequencedRooms, 'doubt' | 'away' | 'standing'>;
  readonly metrics: Pick<HistoryMetrics, 'plainDropped' | 'publicationsNotAppended'>;
}

/** What became of a publication that was broadcast here under a key: whether the other nodes are known to have it. */
export interface KeyFate {
  reachedOthers: boolean;
}

export interface BroadcasterOptions {
  hub: Pick<Hub, 'broadcast' | 'gap' | 'degraded' | 'flush'>;
  announcements: Pick<Announcements, 'degraded'>;
  bridge: Bridge;
  /** Null if this node has no channels with history. */
  sequencing: Sequencing | null;
  /** Of channels without history. */
  keys: IdempotencyKeys<KeyFate>;
  metrics: Pick<Metrics, 'duplicatesDiscarded'>;
}

/** Of publications that wait until their channels stand somewhere. */
export const maxHeldBytes = 4 * 1024 * 1024;

export class Broadcaster {
  readonly #options: BroadcasterOptions;
  #heldBytes = 0;

  constructor(options: BroadcasterOptions) {
    this.#options = options;
    const { bridge, hub, announcements, sequencing } = options;
    bridge.start(
      (channel, publication, idempotencyKey) => {
        const concerned = this.#sequencingOf(channel);
        if (concerned !== null)
          // It has no position, so nothing could follow it.
          concerned.metrics.plainDropped.value += 1;
        else if (idempotencyKey === null || this.#isNewOfOthers(channel, idempotencyKey))
          hub.broadcast(channel, publication);
      },
      (reason, concerns) => {
        hub.gap(reason, (channel) => !this.isSequenced(channel) && concerns(channel));
        sequencing?.rooms.doubt(concerns);
      },
      (concerns) => {
        sequencing?.rooms.away(concerns ?? (() => true));
        if (concerns !== null) {
          hub.degraded(concerns);
          return;
        }
        // What came before goes out before.
        hub.flush();
        announcements.degraded();
      },
    );
  }

  /**
   * Takes a publication to every subscriber on every node. It is copied or sent before the call returns.
   *
   * @param idempotencyKey see `publishConfirmed`
   */
  publish(channel: string, publication: Publication, idempotencyKey: string | null = null): void {
    if (idempotencyKey !== null || this.isSequenced(channel)) {
      // What does not get there is counted there.
      void this.publishConfirmed(channel, publication, idempotencyKey);
      return;
    }
    this.#options.hub.broadcast(channel, publication);
    this.#options.bridge.publish(channel, publication);
  }

  /**
   * Like `publish`, and says what became of it.
   *
   * Without history: on the way to the other nodes; this node's subscribers get it at once, whatever that is. Whoever wants
   * it delivered nowhere while the bridge is away asks `reachesOthers` first. With history: whether it is in there, and
   * where; what is not in there is delivered nowhere.
   *
   * @param idempotencyKey whoever publishes to the same channel with the same key again, on whichever node, publishes
   * nothing: `duplicate`
   */
  publishConfirmed(
    channel: string,
    publication: Publication,
    idempotencyKey: string | null = null,
  ): Outcome | 'duplicate' | Promise<Outcome | Appended> {
    const { hub, bridge } = this.#options;
    const sequencing = this.#sequencingOf(channel);
    if (sequencing !== null) {
      const standing = sequencing.rooms.standing(channel);
      if (standing !== null) return this.#hold(standing, sequencing, channel, publication, idempotencyKey);
      return sequencing.history.append(channel, [publication], idempotencyKey ?? undefined);
    }
    if (idempotencyKey !== null) return this.#publishOnce(channel, publication, idempotencyKey);
    hub.broadcast(channel, publication);
    return bridge.publishConfirmed(channel, publication);
  }

  /** Whether a channel has a history. */
  isSequenced(channel: string): boolean {
    return this.#sequencingOf(channel) !== null;
  }

  /** False while the other nodes are known to be out of reach for a channel. */
  reachesOthers(channel: string): boolean {
    return this.#options.bridge.carries(channel);
  }

  /**
   * A raw member may publish as soon as it is open. If that came into the history before its room has read where it stands, the
   * room would begin behind it, and nobody in it would hear it: so it waits for that.
   */
  #hold(
    standing: Promise<unknown>,
    { history, metrics }: Sequencing,
    channel: string,
    publication: Publication,
    idempotencyKey: string | null,
  ): Promise<Appended> {
    const bytes = publication.byteLength;
    if (this.#heldBytes + bytes > maxHeldBytes) {
      metrics.publicationsNotAppended.values.waiting_limit += 1;
      return Promise.resolve({ outcome: 'failed' });
    }
    this.#heldBytes += bytes;
    publication.keep();
    return standing.then(() => {
      this.#heldBytes -= bytes;
      return history.append(channel, [publication], idempotencyKey ?? undefined);
    });
  }

  #publishOnce(
    channel: string,
    publication: Publication,
    idempotencyKey: string,
  ): Outcome | 'duplicate' | Promise<Outcome> {
    const { hub, bridge, keys, metrics } = this.#options;
    const known = keys.get(channel, idempotencyKey);
    if (known !== null) metrics.duplicatesDiscarded.values.published += 1;
    if (known?.reachedOthers === true) return 'duplicate';
    const fate = known ?? { reachedOthers: false };
    if (known === null) {
      keys.set(channel, idempotencyKey, fate);
      hub.broadcast(channel, publication);
    }
    const outcome = bridge.publishConfirmed(channel, publication, idempotencyKey);
    const learn = (settled: Outcome): void => {
      if (settled === 'confirmed') fate.reachedOthers = true;
    };
    if (outcome instanceof Promise) void outcome.then(learn);
    else learn(outcome);
    return outcome;
  }

  /** Whether what comes from another node was not broadcast here yet; it is taken to be from now on. */
  #isNewOfOthers(channel: string, idempotencyKey: string): boolean {
    const { keys, metrics } = this.#options;
    const known = keys.get(channel, idempotencyKey);
    if (known === null) keys.set(channel, idempotencyKey, { reachedOthers: true });
    else {
      metrics.duplicatesDiscarded.values.received += 1;
      // It came the way that goes to all.
      known.reachedOthers = true;
    }
    return known === null;
  }

  #sequencingOf(channel: string): Sequencing | null {
    const { sequencing } = this.#options;
    return sequencing?.keepsHistory(channel) === true ? sequencing : null;
  }
}
