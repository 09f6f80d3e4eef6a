/**
 * The contract of a codec as a client needs it: what it asks for as frames, and what the frames of a node mean.
 *
 * A wire belongs to one connection and may remember what the node said on it. Fields and types of messages that are not
 * known are ignored, as docs/protocol.md demands; what is known must be what it must be.
 */
import type { Outgoing, PayloadKind } from './payload.ts';
import type { Position, Wish } from './position.ts';

export type Frame = string | Uint8Array<ArrayBuffer>;

export type Request =
  | { type: 'connect'; id: number; version: number; name: string | null; token: string | null }
  | { type: 'subscribe'; id: number; channels: readonly Wanted[] }
  | { type: 'unsubscribe'; id: number; channels: readonly string[] }
  | { type: 'publish'; id: number; channel: string; payload: Outgoing; idempotencyKey: string | null }
  | { type: 'ping'; id: number }
  | { type: 'pong' };

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

/** A payload as it arrived; JSON has been parsed. */
export interface Incoming {
  kind: PayloadKind;
  data: unknown;
}

export interface Batch {
  type: 'batch';
  channel: string;
  /** Number of the last publication; 0 if it answers a subscribe out of the history, for this client alone. */
  sequence: number;
  /** Of the last publication, in a channel with a history; else null. */
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
  /** What follows begins behind the position; null in a channel without a history. */
  | { type: 'gap'; channel: string; reason: string; position: Position | null }
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

export function expectText(value: unknown): string {
  if (typeof value !== 'string') throw new Unreadable('text was expected');
  return value;
}

/** A whole number from 0 to 2^53 − 1. */
export function expectWhole(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new Unreadable('a whole number was expected');
  return value as number;
}

export function expectTime(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unreadable('a time was expected');
  return value;
}

/** A mark has none. */
export function batchTime(value: unknown): number {
  return value === undefined || value === null ? 0 : expectTime(value);
}

export function optionalWhole(value: unknown): number | null {
  return value === undefined || value === null ? null : expectWhole(value);
}

export function optionalText(value: unknown): string | null {
  return value === undefined || value === null ? null : expectText(value);
}

export function optionalFlag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

export function optionalPosition(epoch: unknown, offset: unknown): Position | null {
  const position = { epoch: optionalText(epoch), offset: optionalWhole(offset) };
  return position.epoch === null || position.offset === null ? null : (position as Position);
}

export function expectArray(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Unreadable('an array was expected');
  return value;
}
