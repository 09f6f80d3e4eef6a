/**
 * What a subscribe leads to: waiting for what it needs, then joining and answering in one turn.
 *
 * It is answered when the bridge has confirmed that publications of other nodes reach this one and, in a channel with
 * history, when what was missed has been read. Until then the channel stands in `joining`; whoever unsubscribes meanwhile
 * takes it out again.
 *
 * The turn in which somebody joins: what is pending in the room goes out to those who are in it, the answer says where the
 * room stands, what he has missed up to there follows to him alone, and whatever is broadcast from then on comes behind it.
 * In a channel with the latest values he gets these instead, or before the last publications: exactly as they are where the
 * room stands. Who was too slow for a channel is brought back in the same way (`bringBack`).
 */
import type { Bridge } from '../bridge/bridge.ts';
import type { Hub } from '../channel/hub.ts';
import type { Room } from '../channel/room.ts';
import type { LatestCopy } from '../channel/latest-copy.ts';
import type { Position } from '../channel/position.ts';
import type { Payload, Publication } from '../channel/publication.ts';
import type { Recoveries, Standing, Ticket } from '../channel/recoveries.ts';
import { snapshotFrames } from '../channel/snapshot-frames.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Joined, Refused, Subscription } from '../protocol/messages.ts';
import type { Socket } from '../transport/transport.ts';
import type { Connection } from './connection.ts';
import { bytesOf, MissedFrames, ownFrame } from './missed-frames.ts';
import type { NativeState } from './native-state.ts';

/** What was read may fall behind what is kept here before all channels of a command are ready; then it is read again. */
const maxAttempts = 5;

export interface JoiningOptions {
  hub: Pick<Hub, 'join' | 'leave' | 'flushChannel' | 'resume'>;
  bridge: Pick<Bridge, 'prepare' | 'reaches'>;
  /** Null if this node has no channels with history. */
  recoveries: Pick<Recoveries, 'prepare' | 'collect' | 'standing' | 'release'> | null;
  keepsHistory(channel: string): boolean;
  /** Of frames that one subscribe may send for what was missed, together with what waits for the client already. */
  maxRecoveryBytes: number;
  /** The same with the latest values. */
  maxSnapshotBytes: number;
  metrics: Pick<Metrics, 'history' | 'latest' | 'errorsSent'>;
}

type NativeConnection = Connection<NativeState>;

/** What is left of the bytes that one answer may send behind itself. */
interface Budget {
  bytes: number;
  /** Of these, for what was missed. */
  recoveryBytes: number;
}

/** What somebody gets who joins, and the frames that follow the answer. */
interface Admission {
  readonly joined: Joined;
  readonly frames: readonly Payload[];
}

/** The latest values of a channel in a form for many. */
interface EncodedSnapshot {
  /** Of the room. */
  readonly number: number;
  readonly frames: readonly Payload[];
  readonly bytes: number;
}

/**
 * What became of somebody who was to be brought back. `gone`: he has left the channel, or is about to end. `unavailable`, `too_much`: nothing was
 * sent, and he hears as little as before.
 */
export type BroughtBack = 'sent' | 'gone' | 'unavailable' | 'too_much';

export class Joining {
  readonly #codec: Codec;
  readonly #options: JoiningOptions;
  readonly #missed: MissedFrames;
  /** By the list of values that was encoded, which is another one as soon as something changes. */
  readonly #encoded = new WeakMap<readonly Publication[], EncodedSnapshot>();

  constructor(codec: Codec, options: JoiningOptions) {
    this.#codec = codec;
    this.#options = options;
    this.#missed = new MissedFrames(codec);
  }

  /** @param accepted by channel; those that are not joined yet stand in `joining` */
  join(
    connection: NativeConnection,
    id: number,
    accepted: ReadonlyMap<string, Subscription>,
    refused: readonly Refused[],
  ): void {
    const { bridge, recoveries, keepsHistory } = this.#options;
    const tickets = new Map<string, Ticket>();
    const waits: Promise<unknown>[] = [];
    for (const [channel, subscription] of accepted) {
      if (recoveries !== null && keepsHistory(channel)) {
        waits.push(recoveries.prepare(subscription).then((ticket) => tickets.set(channel, ticket)));
        continue;
      }
      if (connection.state.room(channel) !== null) continue;
      const reach = bridge.prepare(channel);
      if (reach instanceof Promise) waits.push(reach);
    }
    const answer = (): void => this.#answer(connection, id, accepted, refused, tickets);
    if (waits.length === 0) answer();
    else void this.#whenReady(waits, tickets).then(answer);
  }

  /**
   * Sends a member who does not hear the room now (`Hub.pause`) the latest values, and has it hear what is broadcast from
   * then on, in one turn.
   */
  async bringBack(connection: NativeConnection, room: Room): Promise<BroughtBack> {
    const { channel } = room;
    const { recoveries, hub, metrics } = this.#options;
    if (recoveries === null) return 'unavailable';
    const ticket = await recoveries.prepare({ channel, since: null, last: null });
    try {
      await this.#whenReady([], new Map([[channel, ticket]]));
      const { state, socket } = connection;
      // Who was cut off meanwhile must not hear the room again, though his socket is still open.
      if (socket === null || connection.ending || state.room(channel) !== room) return 'gone';
      const { position, latest } = this.#standing(ticket);
      hub.flushChannel(channel);
      if (position === null || latest?.isKnown !== true) {
        metrics.latest.snapshotsRefused.values.unavailable += 1;
        return 'unavailable';
      }
      const { frames, bytes } = this.#encode(room, latest);
      if (bytes > this.#options.maxSnapshotBytes - socket.bufferedBytes()) {
        metrics.latest.snapshotsRefused.values.too_much += 1;
        return 'too_much';
      }
      const { length } = latest.publications();
      const { number, sequence } = room;
      socket.send(this.#codec.snapshot({ channel, number, sequence, position }, 'conflated', length));
      for (const frame of frames) socket.send(frame);
      connection.owedBytes = socket.bufferedBytes();
      hub.resume(room, this.#codec, socket);
      metrics.latest.snapshotsSent.values.conflated += 1;
      metrics.latest.publicationsSent.value += length;
      return 'sent';
    } finally {
      recoveries.release(ticket);
    }
  }

  async #whenReady(waits: readonly Promise<unknown>[], tickets: ReadonlyMap<string, Ticket>): Promise<void> {
    const { recoveries } = this.#options;
    await Promise.all(waits);
    for (let attempt = 0; recoveries !== null && attempt < maxAttempts; attempt += 1) {
      const late = [...tickets.values()].filter((ticket) => recoveries.standing(ticket) === 'again');
      if (late.length === 0) return;
      await Promise.all(late.map((ticket) => recoveries.collect(ticket)));
    }
  }

  #answer(
    connection: NativeConnection,
    id: number,
    accepted: ReadonlyMap<string, Subscription>,
    refused: readonly Refused[],
    tickets: ReadonlyMap<string, Ticket>,
  ): void {
    const { recoveries, hub, maxRecoveryBytes, maxSnapshotBytes, metrics } = this.#options;
    const { state, socket } = connection;
    const channels: Joined[] = [];
    const refusals = [...refused];
    const following: Payload[] = [];
    if (socket !== null) {
      const waiting = socket.bufferedBytes();
      const budget = { bytes: maxSnapshotBytes - waiting, recoveryBytes: maxRecoveryBytes - waiting };
      for (const subscription of accepted.values()) {
        const { channel } = subscription;
        const ticket = tickets.get(channel) ?? null;
        const standing = ticket === null ? null : this.#standing(ticket);
        // Before he is in the room: what is pending is for those who were there when it came.
        if (ticket !== null) hub.flushChannel(channel);
        const room = this.#enter(channel, state, socket);
        state.joining?.delete(channel);
        if (room === null) continue;
        if (ticket === null || standing === null) {
          channels.push(this.#joinedPlain(room, subscription));
          continue;
        }
        const admission = this.#admit(room, ticket, standing, budget);
        if (admission !== null) {
          channels.push(admission.joined);
          following.push(...admission.frames);
          continue;
        }
        state.forget(room);
        hub.leave(room, this.#codec, socket);
        metrics.errorsSent.values.unavailable += 1;
        refusals.push({ channel, error: 'unavailable', message: 'more waits for this client than may wait' });
      }
      if (state.joining?.size === 0) state.joining = null;
      socket.send(this.#codec.encode({ type: 'subscribed', id, channels, refused: refusals }));
      for (const frame of following) socket.send(frame);
      if (following.length > 0) connection.owedBytes = socket.bufferedBytes();
    }
    for (const ticket of tickets.values()) recoveries?.release(ticket);
  }

  /** The room of a channel, which he joins if he has not yet; null if he has unsubscribed meanwhile. */
  #enter(channel: string, state: NativeState, socket: Socket): Room | null {
    const joined = state.room(channel);
    if (joined !== null || state.joining?.has(channel) !== true) return joined;
    const room = this.#options.hub.join(channel, this.#codec, socket);
    state.keep(room);
    return room;
  }

  #standing(ticket: Ticket): Standing {
    const standing = this.#options.recoveries?.standing(ticket) ?? 'again';
    if (standing !== 'again') return standing;
    const { tail, doubtful, latest } = ticket.sequenced;
    const refusal = ticket.wish.since === null ? null : 'interrupted';
    return { position: tail.position, doubtful, publications: [], refusal, latest };
  }

  #joinedPlain(room: Room, { channel, since }: Subscription): Joined {
    const { bridge, metrics } = this.#options;
    const { number, sequence } = room;
    const joined = { channel, number, sequence, degraded: !bridge.reaches(channel) };
    if (since === null) return joined;
    metrics.history.recoveries.values.no_history += 1;
    return { ...joined, recovered: false, reason: 'no_history' };
  }

  /** Null if he cannot be in the channel now: its latest values are more than may be sent to him. */
  #admit(room: Room, ticket: Ticket, standing: Standing, budget: Budget): Admission | null {
    const { metrics } = this.#options;
    const { position, latest } = standing;
    const before = { ...budget };
    const recovered = this.#admitSequenced(room, ticket.wish, standing, budget);
    if (latest === null || recovered.joined.recovered === true) return recovered;
    if (position === null || !latest.isKnown) {
      metrics.latest.snapshotsRefused.values.unavailable += 1;
      ticket.sequenced.owe();
      return { ...recovered, joined: { ...recovered.joined, degraded: true } };
    }
    const snapshot = this.#encode(room, latest);
    if (snapshot.bytes > budget.bytes) {
      metrics.latest.snapshotsRefused.values.too_much += 1;
      Object.assign(budget, before);
      return null;
    }
    budget.bytes -= snapshot.bytes;
    const { length } = latest.publications();
    metrics.latest.snapshotsSent.values.subscribed += 1;
    metrics.latest.publicationsSent.value += length;
    // First the values, so that they follow the answer: what was published last is older than some of them.
    return {
      joined: { ...recovered.joined, snapshot: length },
      frames: [...snapshot.frames, ...recovered.frames],
    };
  }

  #encode(room: Room, latest: LatestCopy): EncodedSnapshot {
    const publications = latest.publications();
    const known = this.#encoded.get(publications);
    if (known?.number === room.number) return known;
    const frames = Array.from(snapshotFrames(this.#codec, room, publications), ownFrame);
    const bytes = frames.reduce((sum, frame) => sum + bytesOf(frame), 0);
    const encoded = { number: room.number, frames, bytes };
    this.#encoded.set(publications, encoded);
    return encoded;
  }

  #admitSequenced(
    room: Room,
    { channel, since }: Subscription,
    { position, doubtful, publications, refusal }: Standing,
    budget: Budget,
  ): Admission {
    const { bridge, metrics } = this.#options;
    const { number, sequence } = room;
    const degraded = position === null || doubtful || !bridge.reaches(channel);
    const joined: Joined = {
      channel,
      number,
      sequence,
      degraded,
      ...(position === null ? {} : { position }),
    };
    const missed: Payload[] = [];
    let reason = refusal;
    let sent = publications;
    if (position !== null && publications.length > 0) {
      let frames = this.#frames(room, position, sent, budget);
      // Who asked for the last ones gets as many as may be sent, who missed something gets all of it or nothing.
      while (frames === null && since === null && sent.length > 1) {
        sent = sent.slice(-Math.floor(sent.length / 2));
        frames = this.#frames(room, position, sent, budget);
      }
      if (frames === null) {
        sent = [];
        if (since !== null) reason = 'too_much';
      } else missed.push(...frames);
    }
    metrics.history.publicationsRecovered.value += sent.length;
    if (since === null) return { joined, frames: missed };
    metrics.history.recoveries.values[reason ?? 'recovered'] += 1;
    return reason === null
      ? { joined: { ...joined, recovered: true }, frames: missed }
      : { joined: { ...joined, recovered: false, reason }, frames: missed };
  }

  /** Publications up to a position as frames; null if they are more than the budget, which they use up. */
  #frames(
    room: Room,
    position: Position,
    publications: readonly Publication[],
    budget: Budget,
  ): readonly Payload[] | null {
    const most = Math.min(budget.recoveryBytes, budget.bytes);
    const encoded = this.#missed.encode(room, position, publications, most);
    if (encoded === null) return null;
    budget.bytes -= encoded.bytes;
    budget.recoveryBytes -= encoded.bytes;
    return encoded.frames;
  }
}
