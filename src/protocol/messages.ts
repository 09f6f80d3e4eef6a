/**
 * The messages of the native protocol (docs/protocol.md), as values: what a codec reads and writes.
 */
import type { Publication } from '../channel/publication.ts';
import type { ErrorName } from './error-codes.ts';

export const protocolVersion = 1;

/** Channels that one subscribe or unsubscribe may name. */
export const maxChannelsPerCommand = 1_000;
export const maxClientNameBytes = 64;
export const maxTokenBytes = 4_096;
/** Levels of arrays and objects within a JSON payload. */
export const maxJsonDepth = 64;

/** What a client said. Strings and ids are within their bounds; channel names and payload sizes are not checked yet. */
export type Command =
  | { type: 'connect'; id: number; version: number; client: string | null; token: string | null }
  | { type: 'subscribe'; id: number; channels: readonly string[] }
  | { type: 'unsubscribe'; id: number; channels: readonly string[] }
  /** Bytes of the publication are only valid during the call. */
  | { type: 'publish'; id: number | null; channel: string; publication: Publication }
  | { type: 'ping'; id: number | null }
  | { type: 'pong' }
  | Mistake;

/** A message that could be read and makes no sense; answered with an error. */
export interface Mistake {
  type: 'mistake';
  id: number | null;
  error: ErrorName;
  message: string;
}

export interface Joined {
  channel: string;
  /** Of the channel on this node. */
  number: number;
  /** Of its last publication on this node; 0 before the first. */
  sequence: number;
  /** Publications of other nodes do not reach this one now. */
  degraded: boolean;
}

export interface Refused {
  channel: string;
  error: ErrorName;
  message: string;
}

export type GapReason = 'bridge' | 'bridge_away' | 'epoch_changed' | 'not_kept';

/** What a node says to one client. */
export type Reply =
  | {
      type: 'connected';
      id: number;
      node: string;
      boot: string;
      connection: string;
      time: number;
      pingIntervalMs: number;
      limits: { maxPayloadBytes: number; maxSubscriptions: number };
    }
  | { type: 'subscribed'; id: number; channels: readonly Joined[]; refused: readonly Refused[] }
  | { type: 'unsubscribed'; id: number; channels: readonly string[] }
  | { type: 'published'; id: number; degraded: boolean }
  | { type: 'ping' }
  | { type: 'pong'; id: number | null; time: number }
  | { type: 'error'; id: number | null; error: ErrorName; message: string };
