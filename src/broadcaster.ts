/**
 * The one path of a message. *Publish* reaches the whole cluster, *broadcast* (the hub's) reaches this node.
 *
 * Local first: this node's subscribers get a publication at once, the bridge takes it to the other nodes.
 */
import type { Bridge, Outcome } from './bridge/bridge.ts';
import type { Hub } from './channel/hub.ts';
import type { Publication } from './channel/publication.ts';

export class Broadcaster {
  readonly #hub: Pick<Hub, 'broadcast' | 'gap'>;
  readonly #bridge: Bridge;

  constructor(hub: Pick<Hub, 'broadcast' | 'gap'>, bridge: Bridge) {
    this.#hub = hub;
    this.#bridge = bridge;
    bridge.start(
      (channel, publication) => hub.broadcast(channel, publication),
      (reason, concerns) => hub.gap(reason, concerns),
    );
  }

  /** Takes a publication to every subscriber on every node. It is copied or sent before the call returns. */
  publish(channel: string, publication: Publication): void {
    this.#hub.broadcast(channel, publication);
    this.#bridge.publish(channel, publication);
  }

  /**
   * Like `publish`, and says what became of it on the way to the other nodes; this node's subscribers get it at once,
   * whatever that is. Whoever wants it delivered nowhere while the bridge is away asks `reachesOthers` first.
   */
  publishConfirmed(channel: string, publication: Publication): Outcome | Promise<Outcome> {
    this.#hub.broadcast(channel, publication);
    return this.#bridge.publishConfirmed(channel, publication);
  }

  /** False while the other nodes are known to be out of reach. */
  get reachesOthers(): boolean {
    return this.#bridge.state === 'connected';
  }
}
