/**
 * One client's WebSocket, from the handshake to its end: evidence that the peer lives, a cap on control frames, and the
 * reason for which it ended. What the client says is the business of its protocol.
 *
 * There may be a million of these, so it is one flat object; the protocol is shared by all connections that speak it.
 */
import type { Payload } from '../channel/publication.ts';
import { type CloseCode, closeCodes } from '../close-codes.ts';
import type { EndReason } from '../metrics/metrics.ts';
import type { Closing, Socket, SocketSession } from '../transport/transport.ts';

/** What a kind of client may say. One object serves all its connections; `state` is what it keeps for each. */
export interface Protocol<State> {
  /** Asks the peer for a sign of life, whatever its kind. */
  ping(socket: Socket): void;
  opened(connection: Connection<State>, socket: Socket): void;
  received(connection: Connection<State>, payload: Payload): void;
  /** Nothing that is broadcast goes to it any more, whatever it has joined. It will end soon. */
  mute(connection: Connection<State>, socket: Socket): void;
  closed(connection: Connection<State>): void;
}

/** Where a connection stands while it is open, and the cap that it keeps. */
export interface Registry {
  /** Pings and pongs that one connection may send between two visits of liveness. */
  readonly maxControlFrames: number;
  /** Of this run of the node. */
  readonly bootId: string;
  add(connection: Connection): void;
  remove(connection: Connection, reason: EndReason): void;
}

export class Connection<State = unknown> implements SocketSession {
  readonly protocol: Protocol<State>;
  readonly registry: Registry;
  /** What the protocol keeps for this connection. */
  state: State;
  /** Something arrived since liveness looked last. */
  heard = true;
  /** Liveness has pinged and waits for anything to arrive. */
  pinged = false;
  /** Pings and pongs since liveness looked last. */
  controlFrames = 0;
  /** At the last look, bytes waited for this peer: if it ends without a close frame, that is why. */
  congested = false;
  /** Of the bytes that wait for this peer so many were owed to it: what it had missed, sent at once. They are no sign of slowness. */
  owedBytes = 0;
  /** Where its registry keeps it; −1 while it is not open. */
  position = -1;
  /** Which one of this node it is, from 1; 0 before it is open. */
  serial = 0;

  #socket: Socket | null = null;
  #endReason: EndReason | null = null;

  constructor(protocol: Protocol<State>, state: State, registry: Registry) {
    this.protocol = protocol;
    this.state = state;
    this.registry = registry;
  }

  /** Names it in the whole cluster, for the operator's API. */
  get id(): string {
    return `${this.registry.bootId}-${this.serial}`;
  }

  /** It is said goodbye to, or was muted. */
  get ending(): boolean {
    return this.#endReason !== null;
  }

  get socket(): Socket | null {
    return this.#socket;
  }

  /** Bytes that wait for this peer and are more than was owed to it. */
  bytesBehind(): number {
    const waiting = this.#socket?.bufferedBytes() ?? 0;
    this.congested = waiting > 0;
    // What it was owed came first, and leaves first.
    if (waiting < this.owedBytes) this.owedBytes = waiting;
    return waiting - this.owedBytes;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.registry.add(this);
    this.protocol.opened(this, socket);
  }

  received(payload: Payload): void {
    this.heard = true;
    if (this.#endReason === null) this.protocol.received(this, payload);
  }

  controlFrame(): void {
    this.heard = true;
    this.controlFrames += 1;
    if (this.controlFrames > this.registry.maxControlFrames)
      this.close(closeCodes.controlFlood, 'control_flood');
  }

  closed({ code }: Closing): void {
    if (this.#socket === null) return;
    this.#socket = null;
    this.registry.remove(this, this.#endReason ?? reasonOf(code, this.congested));
    this.protocol.closed(this);
  }

  ping(): void {
    if (this.#socket !== null) this.protocol.ping(this.#socket);
  }

  /** Says goodbye with a code. The first reason counts. */
  close(code: CloseCode, reason: EndReason): void {
    if (this.#endReason !== null) return;
    this.#endReason = reason;
    this.#socket?.close(code);
  }

  /**
   * Nothing more is broadcast to it or heard from it, and it will end for this reason: `farewell` or `terminate` follows.
   *
   * @returns false if it is closed or ending already
   */
  mute(reason: EndReason): boolean {
    if (this.#endReason !== null || this.#socket === null) return false;
    this.#endReason = reason;
    this.protocol.mute(this, this.#socket);
    return true;
  }

  /** Ends one that was muted, with a code. */
  farewell(code: CloseCode): void {
    this.#socket?.close(code);
  }

  /** Ends it at once, for a peer that does not read; it sees 1006. */
  terminate(reason: EndReason): void {
    this.#endReason ??= reason;
    this.#socket?.terminate();
  }
}

/** Why a connection ended that we did not end ourselves. */
function reasonOf(code: number, congested: boolean): EndReason {
  switch (code) {
    case 1002:
    case 1007:
      return 'protocol_error';
    case 1006:
      return congested ? 'slow_consumer' : 'abnormal';
    case 1009:
      return 'message_too_big';
    case 1011:
      return 'internal_error';
    default:
      return 'client';
  }
}
