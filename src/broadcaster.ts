/**
 * The one path of a message. *Publish* reaches the whole cluster, *broadcast* (the hub's) reaches this node.
 *
 * A channel without history is local first: this node's subscribers get a publication at once, the bridge takes it to the
 * other nodes. A channel with history is sequenced: a publication goes to the history, and every node, this one too,
 * delivers what the history hands out (`channel/sequenced-rooms.ts`).
 */
import type { Bridge, Outcome } from './bridge/bridge.ts';
import type { Hub } from './channel/hub.ts';
import type { Publication } from './channel/publication.ts';
import type { SequencedRooms } from './channel/sequenced-rooms.ts';
import type { Appended, History } from './history/history.ts';
import type { HistoryMetrics } from './metrics/metrics.ts';

/** What channels with history need. */
export interface Sequencing {
  keepsHistory(channel: string): boolean;
  readonly history: Pick<History, 'append'>;
  readonly rooms: Pick<SequencedRooms, 'doubt'>;
  readonly metrics: Pick<HistoryMetrics, 'plainDropped'>;
}

export class Broadcaster {
  readonly #hub: Pick<Hub, 'broadcast' | 'gap'>;
  readonly #bridge: Bridge;
  readonly #sequencing: Sequencing | null;

  /** @param sequencing null if this node has no channels with history */
  constructor(hub: Pick<Hub, 'broadcast' | 'gap'>, bridge: Bridge, sequencing: Sequencing | null = null) {
    this.#hub = hub;
    this.#bridge = bridge;
    this.#sequencing = sequencing;
    bridge.start(
      (channel, publication) => {
        const concerned = this.#sequencingOf(channel);
        if (concerned === null) hub.broadcast(channel, publication);
        // It has no position, so nothing could follow it.
        else concerned.metrics.plainDropped.value += 1;
      },
      (reason, concerns) => {
        hub.gap(reason, (channel) => !this.isSequenced(channel) && concerns(channel));
        sequencing?.rooms.doubt(concerns);
      },
    );
  }

  /**
   * Takes a publication to every subscriber on every node. It is copied or sent before the call returns.
   *
   * @param idempotencyKey means nothing in channels without history
   */
  publish(channel: string, publication: Publication, idempotencyKey: string | null = null): void {
    const sequencing = this.#sequencingOf(channel);
    if (sequencing !== null) {
      // What does not get there is counted there.
      void append(sequencing, channel, publication, idempotencyKey);
      return;
    }
    this.#hub.broadcast(channel, publication);
    this.#bridge.publish(channel, publication);
  }

  /**
   * Like `publish`, and says what became of it.
   *
   * Without history: on the way to the other nodes; this node's subscribers get it at once, whatever that is. Whoever wants
   * it delivered nowhere while the bridge is away asks `reachesOthers` first. With history: whether it is in there, and
   * where; what is not in there is delivered nowhere.
   */
  publishConfirmed(
    channel: string,
    publication: Publication,
    idempotencyKey: string | null = null,
  ): Outcome | Promise<Outcome | Appended> {
    const sequencing = this.#sequencingOf(channel);
    if (sequencing !== null) return append(sequencing, channel, publication, idempotencyKey);
    this.#hub.broadcast(channel, publication);
    return this.#bridge.publishConfirmed(channel, publication);
  }

  /** Whether a channel has a history. */
  isSequenced(channel: string): boolean {
    return this.#sequencingOf(channel) !== null;
  }

  /** False while the other nodes are known to be out of reach. */
  get reachesOthers(): boolean {
    return this.#bridge.state === 'connected';
  }

  #sequencingOf(channel: string): Sequencing | null {
    return this.#sequencing?.keepsHistory(channel) === true ? this.#sequencing : null;
  }
}

function append(
  { history }: Sequencing,
  channel: string,
  publication: Publication,
  idempotencyKey: string | null,
): Promise<Appended> {
  return history.append(channel, [publication], idempotencyKey ?? undefined);
}
