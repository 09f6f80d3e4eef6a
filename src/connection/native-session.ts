/**
 * The protocol of native clients (docs/protocol.md): what each command does, and what it is answered.
 *
 * One object serves all connections of one codec; what is kept for each is in `native-state.ts`.
 *
 * Who subscribes is answered by `joining.ts`, some of it later: answers to different commands may overtake each other, and
 * carry the id of their command.
 */
import type { ChannelPolicy } from '../auth/channel-policy.ts';
import type { Outcome } from '../bridge/bridge.ts';
import type { Broadcaster } from '../broadcaster.ts';
import { channelNameRule, isChannelName } from '../channel/channel-name.ts';
import type { Announcements } from '../channel/announcements.ts';
import type { Hub } from '../channel/hub.ts';
import type { Room } from '../channel/room.ts';
import { noLatestValues, tooManyKeys } from '../channel/latest-values.ts';
import { maxBytesOf, type Payload, type Publication } from '../channel/publication.ts';
import type { Clock } from '../clock.ts';
import { closeCodes } from '../close-codes.ts';
import type { Appended } from '../history/history.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import type { ErrorName } from '../protocol/error-codes.ts';
import { Malformed } from '../protocol/malformed.ts';
import {
  type Command,
  protocolVersion,
  type Refused,
  type Reply,
  type Subscription,
} from '../protocol/messages.ts';
import type { Socket } from '../transport/transport.ts';
import type { ConnectDeadline } from './connect-deadline.ts';
import type { Connection, Protocol } from './connection.ts';
import { Joining, type JoiningOptions } from './joining.ts';
import type { NativeState } from './native-state.ts';

const historyIsAway =
  'this channel has a history, which cannot be reached now: the publication is not in it and was delivered to nobody';

export interface NativeSessionOptions extends JoiningOptions {
  broadcaster: Pick<Broadcaster, 'publish' | 'publishConfirmed' | 'reachesOthers' | 'isSequenced'>;
  hub: JoiningOptions['hub'] & Pick<Hub, 'pause'>;
  announcements: Pick<Announcements, 'join' | 'leave'>;
  policy: Pick<ChannelPolicy, 'maySubscribe' | 'mayPublish' | 'maxPayloadBytes' | 'keepsLatest'>;
  deadline: ConnectDeadline;
  clock: Clock;
  nodeId: string;
  bootId: string;
  /** After this long without a word the client should ping. */
  pingIntervalMs: number;
  maxPayloadBytes: number;
  /** Channels that one connection may have joined. */
  maxSubscriptions: number;
  /** Channels that one connection may join and leave in a second. */
  maxSubscriptionChangesPerSecond: number;
  metrics: JoiningOptions['metrics'] & Pick<Metrics, 'publicationsReceived' | 'payloadBytesReceived'>;
}

type NativeConnection = Connection<NativeState>;

type CommandOf<Type extends Command['type']> = Extract<Command, { type: Type }>;

export class NativeSession implements Protocol<NativeState> {
  readonly codec: Codec;
  readonly #options: NativeSessionOptions;
  readonly #joining: Joining;

  constructor(codec: Codec, options: NativeSessionOptions) {
    this.codec = codec;
    this.#options = options;
    this.#joining = new Joining(codec, options);
  }

  opened(connection: NativeConnection): void {
    this.#options.deadline.watch(connection);
  }

  ping(socket: Socket): void {
    socket.send(this.codec.encode({ type: 'ping' }));
  }

  received(connection: NativeConnection, frame: Payload): void {
    let commands: Command[];
    try {
      commands = this.codec.decode(frame, Date.now());
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      connection.close(closeCodes.malformed, 'malformed');
      return;
    }
    for (const command of commands) this.#obey(connection, command);
  }

  mute({ state }: NativeConnection, socket: Socket): void {
    state.joining = null;
    this.#options.announcements.leave(this.codec, socket);
    for (const room of state.rooms()) this.#options.hub.pause(room, this.codec, socket);
  }

  /**
   * Has somebody who was spared a channel (`conflation.ts`) hear it again, behind its latest values.
   *
   * @returns false if that is not possible now
   */
  async bringBack(connection: NativeConnection, room: Room): Promise<boolean> {
    return (await this.#joining.bringBack(connection, room)) === 'sent';
  }

  closed(connection: NativeConnection): void {
    for (const room of connection.state.takeRooms()) this.#options.hub.leave(room, this.codec, null);
  }

  #obey(connection: NativeConnection, command: Command): void {
    if (command.type === 'mistake') this.#fail(connection, command.id, command.error, command.message);
    else if (command.type === 'connect') this.#connect(connection, command);
    else if (!connection.state.connected)
      this.#fail(connection, 'id' in command ? command.id : null, 'not_connected', 'send connect first');
    else
      switch (command.type) {
        case 'publish':
          this.#publish(connection, command);
          break;
        case 'subscribe':
          this.#subscribe(connection, command);
          break;
        case 'unsubscribe':
          this.#unsubscribe(connection, command);
          break;
        case 'ping':
          this.#reply(connection, { type: 'pong', id: command.id, time: Date.now() });
          break;
        case 'pong':
          break; // That it arrived is what counts, and the connection has noticed.
      }
  }

  #connect(connection: NativeConnection, { id, version }: CommandOf<'connect'>): void {
    const { nodeId, bootId, pingIntervalMs, maxPayloadBytes, maxSubscriptions, announcements } =
      this.#options;
    if (connection.state.connected) {
      this.#fail(connection, id, 'already_connected', 'connect comes once');
      return;
    }
    if (version !== protocolVersion) {
      this.#fail(connection, id, 'unsupported_version', `this node speaks version ${protocolVersion}`);
      return;
    }
    connection.state.connected = true;
    this.#reply(connection, {
      type: 'connected',
      id,
      node: nodeId,
      boot: bootId,
      connection: connection.id,
      time: Date.now(),
      pingIntervalMs,
      limits: { maxPayloadBytes, maxSubscriptions },
    });
    if (connection.socket !== null) announcements.join(this.codec, connection.socket);
  }

  #publish(connection: NativeConnection, command: CommandOf<'publish'>): void {
    const { id, channel, publication, idempotencyKey } = command;
    const { broadcaster, metrics } = this.#options;
    const flaw = this.#flawOf(channel, publication);
    if (flaw !== null) {
      this.#fail(connection, id, flaw.error, flaw.message);
      return;
    }
    metrics.publicationsReceived.value += 1;
    metrics.payloadBytesReceived.value += publication.content.length;
    if (!broadcaster.isSequenced(channel)) {
      if (id === null || !broadcaster.reachesOthers(channel)) {
        broadcaster.publish(channel, publication, idempotencyKey);
        if (id !== null) this.#acknowledge(connection, id, 'failed');
        return;
      }
    }
    const outcome = broadcaster.publishConfirmed(channel, publication, idempotencyKey);
    if (outcome instanceof Promise)
      void outcome.then((settled) => this.#acknowledge(connection, id, settled));
    else this.#acknowledge(connection, id, outcome);
  }

  #flawOf(channel: string, publication: Publication): { error: ErrorName; message: string } | null {
    const { policy } = this.#options;
    if (!isChannelName(channel)) return { error: 'bad_channel', message: channelNameRule };
    if (!policy.mayPublish(channel, 'client'))
      return { error: 'not_permitted', message: 'clients may not publish here' };
    if (publication.key !== null && !policy.keepsLatest(channel))
      return { error: 'bad_request', message: noLatestValues };
    const allowed = policy.maxPayloadBytes(channel);
    // Most are far below, and then nobody needs to know how long the UTF-8 is.
    if (maxBytesOf(publication.content) > allowed && publication.byteLength > allowed)
      return { error: 'payload_too_big', message: `at most ${allowed} bytes are allowed here` };
    return null;
  }

  /** @param id null if nobody wants to know, except that it was refused */
  #acknowledge(
    connection: NativeConnection,
    id: number | null,
    settled: Outcome | 'duplicate' | Appended,
  ): void {
    const outcome = typeof settled === 'string' ? settled : settled.outcome;
    if (outcome === 'refused') this.#fail(connection, id, 'too_many_keys', tooManyKeys);
    else if (outcome === 'unknown')
      this.#fail(connection, id, 'outcome_unknown', 'the other nodes may or may not have got it');
    else if (typeof settled !== 'string' && settled.outcome !== 'confirmed')
      this.#fail(connection, id, 'unavailable', historyIsAway);
    else if (id === null) return;
    else if (settled === 'duplicate')
      this.#reply(connection, { type: 'published', id, degraded: false, duplicate: true });
    else if (typeof settled === 'string')
      this.#reply(connection, { type: 'published', id, degraded: outcome !== 'confirmed' });
    else if (settled.outcome === 'confirmed') {
      const { position, duplicate } = settled;
      this.#reply(connection, { type: 'published', id, degraded: false, position, duplicate });
    }
  }

  #subscribe(connection: NativeConnection, { id, channels }: CommandOf<'subscribe'>): void {
    const { state } = connection;
    if (this.#tooFast(connection, id, channels.length)) return;
    const accepted = new Map<string, Subscription>();
    const refused: Refused[] = [];
    for (const subscription of channels) {
      const { channel } = subscription;
      if (accepted.has(channel)) continue;
      const joined = state.room(channel) !== null;
      const known = joined || state.joining?.has(channel) === true;
      const refusal = known ? null : this.#refusalOf(channel, state);
      if (refusal !== null) {
        refused.push(refusal);
        continue;
      }
      accepted.set(channel, subscription);
      if (joined) continue;
      state.joining ??= new Set();
      state.joining.add(channel);
    }
    for (const { error } of refused) this.#options.metrics.errorsSent.values[error] += 1;
    this.#joining.join(connection, id, accepted, refused);
  }

  #unsubscribe(connection: NativeConnection, { id, channels }: CommandOf<'unsubscribe'>): void {
    const { state, socket } = connection;
    if (this.#tooFast(connection, id, channels.length)) return;
    for (const channel of channels) {
      state.joining?.delete(channel);
      const room = state.room(channel);
      if (room === null) continue;
      state.forget(room);
      this.#options.hub.leave(room, this.codec, socket);
    }
    this.#reply(connection, { type: 'unsubscribed', id, channels });
  }

  #refusalOf(channel: string, state: NativeState): Refused | null {
    const { policy, maxSubscriptions } = this.#options;
    if (!isChannelName(channel)) return { channel, error: 'bad_channel', message: channelNameRule };
    if (!policy.maySubscribe(channel, 'client'))
      return { channel, error: 'not_permitted', message: 'clients may not subscribe here' };
    if (state.size < maxSubscriptions) return null;
    const message = `a connection may join ${maxSubscriptions} channels`;
    return { channel, error: 'too_many_subscriptions', message };
  }

  #tooFast(connection: NativeConnection, id: number, changes: number): boolean {
    const { clock, maxSubscriptionChangesPerSecond } = this.#options;
    const { state } = connection;
    const now = clock.now();
    if (now - state.changesSince >= 1_000) {
      state.changesSince = now;
      state.changes = 0;
    }
    state.changes += changes;
    if (state.changes <= maxSubscriptionChangesPerSecond) return false;
    this.#fail(
      connection,
      id,
      'too_fast',
      `a connection may join and leave ${maxSubscriptionChangesPerSecond} channels a second`,
    );
    return true;
  }

  #fail(connection: NativeConnection, id: number | null, error: ErrorName, message: string): void {
    this.#options.metrics.errorsSent.values[error] += 1;
    this.#reply(connection, { type: 'error', id, error, message });
  }

  #reply(connection: NativeConnection, reply: Reply): void {
    connection.socket?.send(this.codec.encode(reply));
  }
}
