/**
 * The channels of this node and who listens to them.
 *
 * A channel is one native topic of the transport. Broadcasting hands a payload to the runtime once; which sockets get it
 * is decided in native code. The hub itself only counts subscribers: it keeps no list of them.
 */
import type { Metrics } from '../metrics/metrics.ts';
import type { SendResult, Socket } from '../transport/transport.ts';
import { maxBytesOf, type Payload, type Publication } from './publication.ts';

/** Called after a broadcast that some subscriber could not take at once, with the bytes that it may have added. */
export type OnPressure = (bytes: number) => void;

interface Room {
  /** The one copy of the channel's name that all its connections share. */
  readonly channel: string;
  readonly topic: string;
  subscribers: number;
}

/** Told when a channel gets its first subscriber of this node, and when it loses its last. */
export interface ChannelWatch {
  opened(channel: string): void;
  closed(channel: string): void;
}

export interface HubOptions {
  publishToTopic: (topic: string, payload: Payload) => SendResult;
  onPressure: OnPressure;
  watch: ChannelWatch;
  metrics: Pick<Metrics, 'channelsOpen' | 'deliveries'>;
}

export class Hub {
  readonly #rooms = new Map<string, Room>();
  readonly #options: HubOptions;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** Subscribes a socket. Returns the shared copy of the name, which the caller should keep instead of its own. */
  join(channel: string, socket: Socket): string {
    let room = this.#rooms.get(channel);
    if (room === undefined) {
      room = { channel, topic: `raw:${channel}`, subscribers: 0 };
      this.#rooms.set(channel, room);
      this.#options.metrics.channelsOpen.value += 1;
      this.#options.watch.opened(channel);
    }
    room.subscribers += 1;
    socket.subscribe(room.topic);
    return room.channel;
  }

  /** Takes back one `join`. The socket's own topics end with it, so a closed socket needs no `unsubscribe`. */
  leave(channel: string): void {
    const room = this.#rooms.get(channel);
    if (room === undefined) return;
    room.subscribers -= 1;
    if (room.subscribers > 0) return;
    this.#rooms.delete(channel);
    this.#options.metrics.channelsOpen.value -= 1;
    this.#options.watch.closed(channel);
  }

  /** Sends a publication to all subscribers of this node, the publisher's connection included. */
  broadcast(channel: string, publication: Publication): void {
    const room = this.#rooms.get(channel);
    if (room === undefined) return;
    this.#options.metrics.deliveries.value += room.subscribers;
    const { payload } = publication;
    const result = this.#options.publishToTopic(room.topic, payload);
    if (result !== 'sent') this.#options.onPressure(maxBytesOf(payload));
  }
}
