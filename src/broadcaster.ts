/**
 * The one path of a message. *Publish* reaches the whole cluster, *broadcast* (the hub's) reaches this node.
 *
 * Local first: this node's subscribers get a publication at once, the bridge takes it to the other nodes.
 */
import type { Bridge } from './bridge/bridge.ts';
import type { Hub } from './channel/hub.ts';
import type { Publication } from './channel/publication.ts';

export class Broadcaster {
  readonly #hub: Pick<Hub, 'broadcast'>;
  readonly #bridge: Bridge;

  constructor(hub: Pick<Hub, 'broadcast'>, bridge: Bridge) {
    this.#hub = hub;
    this.#bridge = bridge;
    bridge.start((channel, publication) => hub.broadcast(channel, publication));
  }

  /** Takes a publication to every subscriber on every node. It is copied or sent before the call returns. */
  publish(channel: string, publication: Publication): void {
    this.#hub.broadcast(channel, publication);
    this.#bridge.publish(channel, publication);
  }
}
