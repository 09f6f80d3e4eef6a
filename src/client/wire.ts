/**
 * The contract of a codec as a client needs it: what it asks for as frames, and what the frames of a node mean.
 *
 * A wire belongs to one connection and may remember what the node said on it.
 */
import type { Outgoing, PayloadKind } from './payload.ts';
import type { Position, Wish } from './position.ts';

export type Frame = string | Uint8Array<ArrayBuffer>;

export type Request =
  | { type: 'connect'; id: number; version: number; name: string | null; token: string | null }
  | { type: 'subscribe'; id: number; channels: readonly Wanted[] }
  | { type: 'unsubscribe'; id: number; channels: readonly string[] }
  | ({ type: 'publish' } & Sendable)
  | { type: 'ping'; id: number }
  | { type: 'pong' };

/** A publication of this program. */
export interface Sendable {
  id: number;
  channel: string;
  /** Null deletes the key. */
  payload: Outgoing | null;
  idempotencyKey: string | null;
  /** Whose latest value it is. */
  key: string | null;
}

/** A channel to join, and what is wanted of its history. */
export interface Wanted {
  channel: string;
  wish: Wish | null;
}

export interface Connected {
  type: 'connected';
  node: string;
  /** Random, new at each start of the node. */
  boot: string;
  /** Names this connection for the operator. */
  connection: string;
  /** Of the node, in milliseconds since 1970. */
  time: number;
  pingIntervalMs: number;
  /** Largest frame that the node takes. */
  maxPayloadBytes: number;
}

/** A publication as it arrived; JSON has been parsed. */
export interface Incoming {
  kind: PayloadKind;
  /** Undefined if its key was deleted. */
  data: unknown;
  /** Whose latest value it is; null if of none. */
  key: string | null;
  deleted: boolean;
}

export interface Batch {
  type: 'batch';
  channel: string;
  /** Number of the last publication; 0 if it is for this client alone: out of the history, or part of a snapshot. */
  sequence: number;
  /** Of the last publication, in a channel with a history; else null, and in a snapshot. */
  offset: number | null;
  /** When a node took the oldest one, in milliseconds since 1970; 0 for a mark. */
  time: number;
  /** Null for one in a form that is not known here. None at all makes a mark. */
  publications: readonly (Incoming | null)[];
}

/** A channel that was joined. */
export interface Joined {
  channel: string;
  /** Of the channel on this node. */
  number: number;
  /** Of its last publication on this node; 0 before the first. */
  sequence: number;
  /** Publications of other nodes do not reach this one now. */
  degraded: boolean;
  /** Where whoever joined stands once it has what it asked for; null if there is no history, or none can be asked now. */
  position: Position | null;
  /** Whether all that was missed follows; null if nobody asked. */
  recovered: boolean | null;
  /** Why not. */
  reason: string | null;
  /** How many keys the snapshot has that follows; null if none does. */
  snapshot: number | null;
}

export type Message =
  | Connected
  | Batch
  | {
      type: 'subscribed';
      id: number;
      channels: readonly Joined[];
      refused: readonly { channel: string; code: number; message: string }[];
    }
  | { type: 'unsubscribed'; id: number }
  | { type: 'published'; id: number; degraded: boolean; position: Position | null; duplicate: boolean }
  | { type: 'ping' }
  | { type: 'pong'; id: number | null; time: number }
  /** Publications of other nodes do not arrive from now on, in this channel, or, if it is null, in none. */
  | { type: 'degraded'; channel: string | null }
  /** What follows begins behind the position; null in a channel without a history. */
  | { type: 'gap'; channel: string; reason: string; position: Position | null }
  /** A snapshot of so many keys follows, taken at the position: it replaces what is known of the channel. */
  | { type: 'snapshot'; channel: string; reason: string; position: Position; count: number }
  | { type: 'error'; id: number | null; code: number; message: string };

export interface Wire {
  readonly subprotocol: string;
  encode(request: Request): Frame;
  /**
   * The messages of a frame, in order.
   *
   * @param data of a WebSocket's message event: a string or an `ArrayBuffer`
   * @throws Unreadable
   */
  decode(data: unknown): Message[];
}

/** A frame that is not what the protocol says. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}
