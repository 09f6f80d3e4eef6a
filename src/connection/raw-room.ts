/**
 * The protocol of plain WebSockets: whatever a member sends, text or binary, every member of the room gets verbatim,
 * the sender included. A room with one member is therefore an echo server.
 *
 * A raw room cannot tell anything in band, except for one optional frame: with `?hello=1` the first text frame is
 * `{"node":"…"}`, because browser code cannot read the headers of a handshake. It also says `"degraded":true` when
 * publications of other nodes do not reach this one.
 */
import type { Broadcaster } from '../broadcaster.ts';
import type { Hub } from '../channel/hub.ts';
import { type Payload, Publication } from '../channel/publication.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Socket } from '../transport/transport.ts';
import type { Connection, Protocol } from './connection.ts';

export interface RawRoomOptions {
  broadcaster: Broadcaster;
  hub: Hub;
  metrics: Pick<Metrics, 'publicationsReceived' | 'payloadBytesReceived'>;
  /** Makes the first text frame of a connection to a channel; null for none. */
  hello: ((channel: string) => string) | null;
}

/** The state of a connection is its channel's name. */
export class RawRoom implements Protocol<string> {
  readonly #options: RawRoomOptions;

  constructor(options: RawRoomOptions) {
    this.#options = options;
  }

  opened(connection: Connection<string>, socket: Socket): void {
    const { hello } = this.#options;
    if (hello !== null) socket.send(hello(connection.state));
    connection.state = this.#options.hub.join(connection.state, socket);
  }

  received(connection: Connection<string>, payload: Payload): void {
    const { broadcaster, metrics } = this.#options;
    metrics.publicationsReceived.value += 1;
    metrics.payloadBytesReceived.value += payload.length;
    broadcaster.publish(connection.state, Publication.of(payload, Date.now()));
  }

  closed(connection: Connection<string>): void {
    this.#options.hub.leave(connection.state);
  }
}
