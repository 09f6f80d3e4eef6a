/**
 * The channels of this node and who listens to them.
 *
 * A channel is one native topic of the transport per kind of client: raw, and one for each native codec. Broadcasting
 * encodes once per kind and hands the bytes to the runtime once; which sockets get them is decided in native code. The hub
 * itself only counts subscribers: it keeps no list of them.
 *
 * Every channel has a number, node-wide and never used again, and counts its publications, whoever they are for: the
 * sequence by which native clients notice a loss (docs/protocol.md, "batch").
 */
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { ChannelHead, Codec } from '../protocol/codec.ts';
import type { GapReason } from '../protocol/messages.ts';
import type { SendResult, Socket } from '../transport/transport.ts';
import { maxBytesOf, type Payload, type Publication } from './publication.ts';
import { QuietMarks } from './quiet-marks.ts';

/** Called after a broadcast that some subscriber could not take at once, with the bytes that it may have added. */
export type OnPressure = (bytes: number) => void;

/** The codec of native clients; null for raw ones, who get the payload and nothing around it. */
export type RoomCodec = Codec | null;

/** A channel that somebody on this node listens to. Whoever joins keeps it to leave by. */
export interface Room extends ChannelHead {
  /** Of all kinds together. */
  readonly subscribers: number;
}

/** One kind of subscribers of a room. */
interface Outlet {
  readonly codec: RoomCodec;
  readonly topic: string;
  subscribers: number;
}

class OpenRoom implements Room {
  readonly channel: string;
  readonly number: number;
  sequence = 0;
  subscribers = 0;
  publishedAtTick = 0;
  /** Only those with a subscriber: one or two, never more than there are codecs. */
  readonly outlets: Outlet[] = [];

  constructor(channel: string, number: number) {
    this.channel = channel;
    this.number = number;
  }
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
  clock: Clock;
  metrics: Pick<
    Metrics,
    'channelsOpen' | 'subscriptionsOpen' | 'deliveries' | 'framesBroadcast' | 'quietMarks' | 'gapsTold'
  >;
}

export class Hub {
  readonly #rooms = new Map<string, OpenRoom>();
  readonly #options: HubOptions;
  readonly #marks: QuietMarks<OpenRoom>;
  #lastNumber = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#marks = new QuietMarks(options.clock, (room) => {
      options.metrics.quietMarks.value += 1;
      this.#tellNatives(room, (codec) => codec.batch(room, []));
    });
  }

  /**
   * Subscribes a socket, which must not be subscribed to this channel yet. Everything that is broadcast after the call
   * reaches it, from the room's sequence on, and nothing from before.
   */
  join(channel: string, codec: RoomCodec, socket: Socket): Room {
    const room = this.#rooms.get(channel) ?? this.#open(channel);
    let outlet = room.outlets.find((candidate) => candidate.codec === codec);
    if (outlet === undefined) {
      outlet = { codec, topic: `${codec?.subprotocol ?? 'raw'}:${channel}`, subscribers: 0 };
      room.outlets.push(outlet);
    }
    outlet.subscribers += 1;
    room.subscribers += 1;
    this.#options.metrics.subscriptionsOpen.value += 1;
    socket.subscribe(outlet.topic);
    return room;
  }

  /**
   * Takes back one `join`. What was broadcast before still reaches the socket.
   *
   * @param socket null for one that has closed: its topics ended with it
   */
  leave(joined: Room, codec: RoomCodec, socket: Socket | null): void {
    const room = joined as OpenRoom;
    const outlet = room.outlets.find((candidate) => candidate.codec === codec);
    if (outlet === undefined) return;
    socket?.unsubscribe(outlet.topic);
    outlet.subscribers -= 1;
    room.subscribers -= 1;
    this.#options.metrics.subscriptionsOpen.value -= 1;
    if (outlet.subscribers === 0) room.outlets.splice(room.outlets.indexOf(outlet), 1);
    if (room.subscribers === 0) this.#close(room);
  }

  /** Sends a publication to all subscribers of this node, the publisher's connection included. */
  broadcast(channel: string, publication: Publication): void {
    const room = this.#rooms.get(channel);
    if (room === undefined) return;
    room.sequence += 1;
    this.#options.metrics.deliveries.value += room.subscribers;
    let mayBeMissed = false;
    for (const { codec, topic } of room.outlets) {
      const payload = codec === null ? publication.payload : codec.batch(room, [publication]);
      if (!this.#send(topic, payload) && codec !== null) mayBeMissed = true;
    }
    if (mayBeMissed) this.#marks.published(room);
  }

  /** Tells native subscribers that publications of other nodes may be missing. */
  gap(reason: GapReason, concerns: (channel: string) => boolean): void {
    for (const room of this.#rooms.values()) {
      if (!concerns(room.channel)) continue;
      const told = this.#tellNatives(room, (codec) => codec.gap(room, reason));
      if (told) this.#options.metrics.gapsTold.value += 1;
    }
  }

  /** The room of a channel, if somebody on this node listens to it. */
  room(channel: string): Room | null {
    return this.#rooms.get(channel) ?? null;
  }

  /** Subscribers of this node. */
  subscribers(channel: string): number {
    return this.#rooms.get(channel)?.subscribers ?? 0;
  }

  /** The channels with subscribers of this node, in no order. */
  channels(): Iterable<Room> {
    return this.#rooms.values();
  }

  stop(): void {
    this.#marks.stop();
  }

  #open(channel: string): OpenRoom {
    this.#lastNumber += 1;
    const room = new OpenRoom(channel, this.#lastNumber);
    this.#rooms.set(channel, room);
    this.#options.metrics.channelsOpen.value += 1;
    this.#options.watch.opened(channel);
    return room;
  }

  #close(room: OpenRoom): void {
    this.#rooms.delete(room.channel);
    this.#marks.forget(room);
    this.#options.metrics.channelsOpen.value -= 1;
    this.#options.watch.closed(room.channel);
  }

  #tellNatives(room: OpenRoom, encode: (codec: Codec) => Payload): boolean {
    let told = false;
    for (const { codec, topic } of room.outlets) {
      if (codec === null) continue;
      told = true;
      this.#send(topic, encode(codec));
    }
    return told;
  }

  /** False if somebody may not have taken it at once. */
  #send(topic: string, payload: Payload): boolean {
    this.#options.metrics.framesBroadcast.value += 1;
    const result = this.#options.publishToTopic(topic, payload);
    if (result === 'sent') return true;
    this.#options.onPressure(maxBytesOf(payload));
    return false;
  }
}
