/**
 * What a subscribe leads to: waiting for what it needs, then joining and answering in one turn.
 *
 * It is answered when the bridge has confirmed that publications of other nodes reach this one and, in a channel with
 * history, when what was missed has been read. Until then the channel stands in `joining`; whoever unsubscribes meanwhile
 * takes it out again.
 *
 * The turn in which somebody joins: what is pending in the room goes out to those who are in it, the answer says where the
 * room stands, what he has missed up to there follows to him alone, and whatever is broadcast from then on comes behind it.
 */
import type { Bridge } from '../bridge/bridge.ts';
import { endOfFrame } from '../channel/frame-size.ts';
import type { Hub, Room } from '../channel/hub.ts';
import type { Position } from '../channel/position.ts';
import type { Payload, Publication } from '../channel/publication.ts';
import type { Recoveries, Standing, Ticket } from '../channel/recoveries.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Joined, Refused, Subscription } from '../protocol/messages.ts';
import type { Socket } from '../transport/transport.ts';
import type { Connection } from './connection.ts';
import type { NativeState } from './native-state.ts';

/** What was read may fall behind what is kept here before all channels of a command are ready; then it is read again. */
const maxAttempts = 5;

export interface JoiningOptions {
  hub: Pick<Hub, 'join' | 'flushChannel'>;
  bridge: Pick<Bridge, 'prepare' | 'reaches'>;
  /** Null if this node has no channels with history. */
  recoveries: Pick<Recoveries, 'prepare' | 'collect' | 'standing' | 'release'> | null;
  keepsHistory(channel: string): boolean;
  /** Of frames that one subscribe may send for what was missed, together with what waits for the client already. */
  maxRecoveryBytes: number;
  metrics: Pick<Metrics, 'history'>;
}

type NativeConnection = Connection<NativeState>;

/** What is left of the bytes that one answer may send behind itself. */
interface Budget {
  bytes: number;
}

export class Joining {
  readonly #codec: Codec;
  readonly #options: JoiningOptions;

  constructor(codec: Codec, options: JoiningOptions) {
    this.#codec = codec;
    this.#options = options;
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
    const { recoveries, maxRecoveryBytes } = this.#options;
    const { state, socket } = connection;
    const channels: Joined[] = [];
    const missed: Payload[] = [];
    if (socket !== null) {
      const budget = { bytes: maxRecoveryBytes - socket.bufferedBytes() };
      for (const subscription of accepted.values()) {
        const { channel } = subscription;
        const ticket = tickets.get(channel) ?? null;
        const standing = ticket === null ? null : this.#standing(ticket);
        // Before he is in the room: what is pending is for those who were there when it came.
        if (ticket !== null) this.#options.hub.flushChannel(channel);
        const room = this.#enter(channel, state, socket);
        state.joining?.delete(channel);
        if (room === null) continue;
        channels.push(
          standing === null
            ? this.#joinedPlain(room, subscription)
            : this.#joinedSequenced(room, subscription, standing, budget, missed),
        );
      }
      if (state.joining?.size === 0) state.joining = null;
      socket.send(this.#codec.encode({ type: 'subscribed', id, channels, refused }));
      for (const frame of missed) socket.send(frame);
      if (missed.length > 0) connection.owedBytes = socket.bufferedBytes();
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
    const { tail, doubtful } = ticket.sequenced;
    const refusal = ticket.wish.since === null ? null : 'interrupted';
    return { position: tail.position, doubtful, publications: [], refusal };
  }

  #joinedPlain(room: Room, { channel, since }: Subscription): Joined {
    const { bridge, metrics } = this.#options;
    const { number, sequence } = room;
    const joined = { channel, number, sequence, degraded: !bridge.reaches(channel) };
    if (since === null) return joined;
    metrics.history.recoveries.values.no_history += 1;
    return { ...joined, recovered: false, reason: 'no_history' };
  }

  /** @param missed takes the frames that follow the answer */
  #joinedSequenced(
    room: Room,
    { channel, since }: Subscription,
    { position, doubtful, publications, refusal }: Standing,
    budget: Budget,
    missed: Payload[],
  ): Joined {
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
    if (since === null) return joined;
    metrics.history.recoveries.values[reason ?? 'recovered'] += 1;
    return reason === null ? { ...joined, recovered: true } : { ...joined, recovered: false, reason };
  }

  /** Publications up to a position as frames for one client; null if they are more than the budget, which they use up. */
  #frames(
    { channel, number }: Room,
    { epoch, offset }: Position,
    publications: readonly Publication[],
    budget: Budget,
  ): Payload[] | null {
    const frames: Payload[] = [];
    let { bytes } = budget;
    for (let from = 0; from < publications.length; ) {
      const end = endOfFrame(publications, from);
      const position = { epoch, offset: offset - publications.length + end };
      const frame = this.#codec.batch(
        { channel, number, sequence: 0, position },
        publications.slice(from, end),
      );
      bytes -= typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength;
      if (bytes < 0) return null;
      // The codec writes the next one into the same bytes.
      frames.push(typeof frame === 'string' ? frame : new Uint8Array(frame));
      from = end;
    }
    budget.bytes = bytes;
    return frames;
  }
}
