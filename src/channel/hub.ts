/**
 * The channels of this node and who listens to them.
 *
 * A channel is one native topic of the transport per kind of client: raw, and one for each native codec. What is broadcast
 * gathers in its room until the pacer says that all rooms flush together: then it is encoded once per kind and handed to
 * the runtime, native clients getting one frame for many publications. Which sockets get it is decided in native code; the
 * hub only counts subscribers and keeps no list of them.
 *
 * Every channel has a number, node-wide and never used again, and counts its publications, whoever they are for: the
 * sequence by which native clients notice a loss (docs/protocol.md, "batch"). A channel with history also has a position,
 * which says the same on all nodes; who keeps it and brings it forward is `sequenced-rooms.ts`.
 */
import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import type { GapReason, HistoryGapReason, SnapshotReason } from '../protocol/messages.ts';
import type { SendResult, Socket } from '../transport/transport.ts';
import { BusyChannels } from './busy-channels.ts';
import type { Position, Snapshot } from './position.ts';
import { maxBytesOf, type Payload, type Publication } from './publication.ts';
import { endOfFrame } from './frame-size.ts';
import { Pacer } from './pacer.ts';
import { QuietMarks } from './quiet-marks.ts';
import { OpenRoom, type Outlet, type Room, type RoomCodec, topicOf } from './room.ts';
import { snapshotFrames } from './snapshot-frames.ts';
import { WriteLatency } from './write-latency.ts';

/**
 * A room that holds this much flushes at once, so that memory for what waits stays bounded whatever is published in one
 * turn, and one flush stays far below what may wait for a client.
 */
const maxPendingBytes = 131_072;

/**
 * A frame with fewer bytes is never compressed. It shrinks by 30 % at best, within one packet, and a compression has a cost of
 * its own that does not shrink with it: the compressor's tables are cleared for each.
 */
const minCompressedBytes = 256;

/** Called after a broadcast that some subscriber could not take at once, with the bytes that it may have added. */
export type OnPressure = (bytes: number) => void;

/** Told when a channel gets its first subscriber of this node, and when it loses its last. */
export interface ChannelWatch {
  opened(channel: string): void;
  closed(channel: string): void;
}

export interface HubOptions {
  publishToTopic: (topic: string, payload: Payload, compress: boolean) => SendResult;
  onPressure: OnPressure;
  /** Publications may be missing in a channel with raw members, who cannot be told in band. */
  onRawGap(channel: string): void;
  watch: ChannelWatch;
  clock: Clock;
  /** A channel could not be flushed, which is a bug: what it lost shows in its numbers, and the others go on. */
  onError(error: unknown): void;
  /** How long a publication of a channel may wait for others, in milliseconds. */
  maxDelayMs(channel: string): number;
  /** Whether the channel goes compressed to those who agreed on it. */
  compresses(channel: string): boolean;
  /** The namespace of a channel, for its figures. */
  namespaceOf(channel: string): string;
  metrics: Pick<
    Metrics,
    | 'channelsOpen'
    | 'subscriptionsOpen'
    | 'deliveries'
    | 'bytesDelivered'
    | 'framesBroadcast'
    | 'framePublications'
    | 'flush'
    | 'publishToWrite'
    | 'quietMarks'
    | 'gapsTold'
    | 'latest'
  >;
}

export class Hub {
  readonly #rooms = new Map<string, OpenRoom>();
  readonly #options: HubOptions;
  readonly #marks: QuietMarks<OpenRoom>;
  readonly #pacer: Pacer;
  readonly #latency: WriteLatency;
  /** What this node sent to its subscribers, by channel. */
  readonly busy = new BusyChannels<OpenRoom>();
  /** Rooms with something pending, each once. */
  #dirty: OpenRoom[] = [];
  #lastNumber = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#pacer = new Pacer(
      options.clock,
      () => this.flush(),
      (costMs) => options.metrics.flush.observeMs(costMs),
    );
    this.#latency = new WriteLatency(options.clock);
    this.#marks = new QuietMarks(options.clock, (room) => {
      options.metrics.quietMarks.value += 1;
      this.#tellNatives(room, (codec) => codec.batch(room, []));
    });
  }

  /**
   * Subscribes a socket, which must not be subscribed to this channel yet. Everything behind the room's sequence reaches it:
   * what is broadcast from now on, and what was broadcast before and is still pending.
   */
  join(channel: string, codec: RoomCodec, socket: Socket): Room {
    const room = this.#rooms.get(channel) ?? this.#open(channel);
    let outlet = room.outlets.find((candidate) => candidate.codec === codec);
    if (outlet === undefined) {
      outlet = { codec, topic: topicOf(channel, codec), subscribers: 0 };
      room.outlets = [...room.outlets, outlet];
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
    if (socket !== null) {
      this.#flushRoom(room);
      socket.unsubscribe(outlet.topic);
    }
    outlet.subscribers -= 1;
    room.subscribers -= 1;
    this.#options.metrics.subscriptionsOpen.value -= 1;
    if (outlet.subscribers === 0) room.outlets = room.outlets.filter((other) => other !== outlet);
    if (room.subscribers === 0) this.#close(room);
  }

  /**
   * A member of a room does not hear it from now on, and is still counted. What was broadcast before reaches it.
   */
  pause(joined: Room, codec: RoomCodec, socket: Socket): void {
    const room = joined as OpenRoom;
    this.#flushRoom(room);
    const outlet = room.outlets.find((candidate) => candidate.codec === codec);
    if (outlet !== undefined) socket.unsubscribe(outlet.topic);
  }

  /** Takes back a `pause`: everything behind the room's sequence reaches the member. */
  resume(joined: Room, codec: RoomCodec, socket: Socket): void {
    const outlet = (joined as OpenRoom).outlets.find((candidate) => candidate.codec === codec);
    if (outlet !== undefined) socket.subscribe(outlet.topic);
  }

  /**
   * Sends a publication to all subscribers of this node, the publisher's connection included, when the pacer says so: at the
   * end of the turn on an idle node, within the channel's `maxDelayMs` on a busy one. Borrowed bytes are copied.
   */
  broadcast(channel: string, publication: Publication): void {
    const room = this.#rooms.get(channel);
    if (room !== undefined) this.#add(room, publication);
  }

  /** The same with publications whose positions follow the room's. */
  broadcastSequenced(channel: string, publications: readonly Publication[]): void {
    const room = this.#rooms.get(channel);
    if (room !== undefined) for (const publication of publications) this.#add(room, publication);
  }

  /**
   * What is broadcast from now on begins behind a position, which is not where the room stood.
   *
   * @param reason why, for native subscribers; null if there is nothing to tell
   * @param begins nobody in the room can have missed anything: it only gets its position now
   * @returns whether somebody was told
   */
  moveTo(channel: string, position: Position, reason: HistoryGapReason | null, begins = false): boolean {
    const room = this.#rooms.get(channel);
    if (room === undefined) return false;
    this.#flushRoom(room);
    room.position = position;
    if (reason === null) return false;
    if (!begins) this.#reportRawGap(room);
    return this.#tellGap(room, reason);
  }

  /**
   * What is broadcast from now on begins behind a position, and what native subscribers have is replaced by the latest values
   * up to there. Raw ones cannot be told; they are reported as for a gap.
   *
   * @returns whether somebody was told
   */
  replace(channel: string, reason: SnapshotReason, { epoch, offset, publications }: Snapshot): boolean {
    const room = this.#rooms.get(channel);
    if (room === undefined) return false;
    this.#flushRoom(room);
    room.position = { epoch, offset };
    this.#reportRawGap(room);
    let told = false;
    for (const outlet of room.outlets) {
      const { codec } = outlet;
      if (codec === null) continue;
      told = true;
      this.#send(room, outlet, codec.snapshot(room, reason, publications.length));
      for (const frame of snapshotFrames(codec, room, publications)) this.#send(room, outlet, frame);
    }
    if (!told) return false;
    const { latest } = this.#options.metrics;
    latest.snapshotsSent.values[reason] += 1;
    latest.publicationsSent.value += publications.length;
    return true;
  }

  /** Hands what is pending in one channel to the runtime now. */
  flushChannel(channel: string): void {
    const room = this.#rooms.get(channel);
    if (room !== undefined) this.#flushRoom(room);
  }

  /** Hands everything that is pending to the runtime now. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const room of dirty) {
      room.dirty = false;
      try {
        this.#flushRoom(room);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }

  /** Tells native subscribers that publications of other nodes may be missing. */
  gap(reason: GapReason, concerns: (channel: string) => boolean): void {
    for (const room of this.#rooms.values()) {
      if (!concerns(room.channel)) continue;
      this.#flushRoom(room);
      this.#reportRawGap(room);
      this.#tellGap(room, reason);
    }
  }

  /** Tells native subscribers of some channels, behind what came before, that publications of other nodes do not reach them for now. */
  degraded(concerns: (channel: string) => boolean): void {
    for (const room of this.#rooms.values()) {
      if (!concerns(room.channel)) continue;
      this.#flushRoom(room);
      this.#tellNatives(room, (codec) => codec.degraded(room));
    }
  }

  /** Tells native subscribers of a channel with history that nothing is missing any more. */
  healed(channel: string): void {
    const room = this.#rooms.get(channel);
    if (room === undefined) return;
    this.#flushRoom(room);
    this.#tellGap(room, 'healed');
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

  /** Flushes, and nothing is sent by itself afterwards. */
  stop(): void {
    this.flush();
    this.#pacer.stop();
    this.#marks.stop();
  }

  #open(channel: string): OpenRoom {
    this.#lastNumber += 1;
    const { maxDelayMs, compresses, namespaceOf, metrics, watch } = this.#options;
    const room = new OpenRoom(channel, this.#lastNumber, {
      maxDelayMs: maxDelayMs(channel),
      compress: compresses(channel),
      latency: metrics.publishToWrite.of(namespaceOf(channel)),
    });
    this.#rooms.set(channel, room);
    metrics.channelsOpen.value += 1;
    watch.opened(channel);
    return room;
  }

  #close(room: OpenRoom): void {
    this.#rooms.delete(room.channel);
    this.#marks.forget(room);
    this.#options.metrics.channelsOpen.value -= 1;
    this.#options.watch.closed(room.channel);
  }

  #add(room: OpenRoom, publication: Publication): void {
    if (!room.dirty) {
      room.dirty = true;
      this.#dirty.push(room);
    }
    room.pending.push(publication.keep());
    room.pendingBytes += maxBytesOf(publication.content);
    if (room.pendingBytes >= maxPendingBytes) this.#flushRoom(room);
    else this.#pacer.pending(room.maxDelayMs);
  }

  #reportRawGap(room: OpenRoom): void {
    if (room.outlets.some(({ codec }) => codec === null)) this.#options.onRawGap(room.channel);
  }

  #tellGap(room: OpenRoom, reason: GapReason): boolean {
    const told = this.#tellNatives(room, (codec) => codec.gap(room, reason));
    if (told) this.#options.metrics.gapsTold.values[reason] += 1;
    return told;
  }

  /** A room that is flushed early stays in the dirty list; with nothing pending it costs nothing there. */
  #flushRoom(room: OpenRoom): void {
    const { pending } = room;
    if (pending.length === 0) return;
    room.pending = [];
    room.pendingBytes = 0;
    let mayBeMissed = false;
    for (let from = 0; from < pending.length; ) {
      const end = endOfFrame(pending, from);
      const together = from === 0 && end === pending.length ? pending : pending.slice(from, end);
      room.sequence += together.length;
      if (room.position !== null) {
        const { epoch, offset } = room.position;
        room.position = { epoch, offset: offset + together.length };
      }
      if (!this.#sendTogether(room, together)) mayBeMissed = true;
      from = end;
    }
    this.#options.metrics.deliveries.value += room.subscribers * pending.length;
    this.#latency.handedOver(room.latency, pending);
    this.busy.add(room, pending.length);
    if (mayBeMissed) this.#marks.published(room);
  }

  /** False if some native subscriber may not have taken it at once. */
  #sendTogether(room: OpenRoom, publications: readonly Publication[]): boolean {
    let taken = true;
    this.#options.metrics.framePublications.observe(publications.length);
    for (const outlet of room.outlets) {
      const { codec } = outlet;
      if (codec === null) this.#sendRaw(room, outlet, publications);
      else if (!this.#send(room, outlet, codec.batch(room, publications))) taken = false;
    }
    return taken;
  }

  /** Raw clients know no keys, so a deletion means nothing to them. */
  #sendRaw(room: OpenRoom, outlet: Outlet, publications: readonly Publication[]): void {
    for (const { kind, payload } of publications) if (kind !== 'deleted') this.#send(room, outlet, payload);
  }

  #tellNatives(room: OpenRoom, encode: (codec: Codec) => Payload): boolean {
    let told = false;
    for (const outlet of room.outlets) {
      if (outlet.codec === null) continue;
      told = true;
      this.#send(room, outlet, encode(outlet.codec));
    }
    return told;
  }

  /** False if somebody may not have taken it at once. */
  #send(room: OpenRoom, { topic, subscribers }: Outlet, payload: Payload): boolean {
    const { metrics } = this.#options;
    metrics.framesBroadcast.value += 1;
    metrics.bytesDelivered.value += payload.length * subscribers;
    const compress = room.compress && payload.length >= minCompressedBytes;
    const result = this.#options.publishToTopic(topic, payload, compress);
    if (result === 'sent') return true;
    this.#options.onPressure(maxBytesOf(payload));
    return false;
  }
}
