/**
 * The protocol of plain WebSockets: whatever a member sends, text or binary, every member of the room gets verbatim,
 * the sender included. A room with one member is therefore an echo server.
 *
 * A raw room is a channel like any other: it also hears what native clients and the API publish, text and JSON as text
 * frames, binary as binary frames.
 *
 * It cannot tell anything in band, except for one optional frame: with `?hello=1` the first text frame is
 * `{"node":"…"}`, because browser code cannot read the headers of a handshake. It also says `"degraded":true` when
 * publications of other nodes do not reach this one. A member that may not publish, or not that much, is closed.
 */
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import type { Broadcaster } from '../broadcaster.ts';
import type { Hub } from '../channel/hub.ts';
import type { Room } from '../channel/room.ts';
import { maxBytesOf, type Payload, Publication } from '../channel/publication.ts';
import { closeCodes } from '../close-codes.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Socket } from '../transport/transport.ts';
import type { Connection, Protocol } from './connection.ts';

export interface RawRoomOptions {
  broadcaster: Pick<Broadcaster, 'publish'>;
  hub: Pick<Hub, 'join' | 'leave' | 'pause'>;
  policy: Pick<ChannelPolicy, 'mayPublish' | 'maxPayloadBytes'>;
  metrics: Pick<Metrics, 'publicationsReceived' | 'payloadBytesReceived'>;
  /** Makes the first text frame of a connection to a channel; null for none. */
  hello: ((channel: string) => string) | null;
}

/** The state of a connection is its room; before it is open, the name of the channel. */
export type RawState = Room | string;

export class RawRoom implements Protocol<RawState> {
  readonly #options: RawRoomOptions;

  constructor(options: RawRoomOptions) {
    this.#options = options;
  }

  opened(connection: Connection<RawState>, socket: Socket): void {
    const { hello, hub } = this.#options;
    const channel = nameOf(connection.state);
    if (hello !== null) socket.send(hello(channel));
    connection.state = hub.join(channel, null, socket);
  }

  ping(socket: Socket): void {
    socket.ping();
  }

  received(connection: Connection<RawState>, payload: Payload): void {
    const { broadcaster, metrics, policy } = this.#options;
    const channel = nameOf(connection.state);
    if (!policy.mayPublish(channel, 'client')) {
      connection.close(closeCodes.notPermitted, 'not_permitted');
      return;
    }
    const publication = Publication.of(payload, Date.now());
    const allowed = policy.maxPayloadBytes(channel);
    // Most are far below, and then nobody needs to know how long the UTF-8 is.
    if (maxBytesOf(payload) > allowed && publication.byteLength > allowed) {
      connection.close(closeCodes.messageTooBig, 'message_too_big');
      return;
    }
    metrics.publicationsReceived.value += 1;
    metrics.payloadBytesReceived.value += payload.length;
    broadcaster.publish(channel, publication);
  }

  mute({ state }: Connection<RawState>, socket: Socket): void {
    if (typeof state !== 'string') this.#options.hub.pause(state, null, socket);
  }

  closed(connection: Connection<RawState>): void {
    if (typeof connection.state !== 'string') this.#options.hub.leave(connection.state, null, null);
  }
}

function nameOf(state: RawState): string {
  return typeof state === 'string' ? state : state.channel;
}
