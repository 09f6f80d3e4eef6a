/**
 * The messages of the native protocol (docs/protocol.md), as values: what a codec reads and writes.
 */
import type { Position } from '../channel/position.ts';
import type { Publication } from '../channel/publication.ts';
import type { ErrorName } from './error-codes.ts';

export const protocolVersion = 1;

/** Channels that one subscribe or unsubscribe may name. */
export const maxChannelsPerCommand = 1_000;
export const maxClientNameBytes = 64;
export const maxTokenBytes = 4_096;
/** Of a position that a client names. */
export const maxClaimedEpochBytes = 64;
/** Characters of the key of a publication. */
export const maxKeyLength = 128;
/** Publications that a client may ask for when it subscribes. */
export const maxLast = 10_000;
/** Levels of arrays and objects within a JSON payload. */
export const maxJsonDepth = 64;

/** What a client said. Strings and ids are within their bounds; channel names and payload sizes are not checked yet. */
export type Command =
  | { type: 'connect'; id: number; version: number; client: string | null; token: string | null }
  | { type: 'subscribe'; id: number; channels: readonly Subscription[] }
  | { type: 'unsubscribe'; id: number; channels: readonly string[] }
  /** Bytes of the publication are only valid during the call. */
  | {
      type: 'publish';
      id: number | null;
      channel: string;
      publication: Publication;
      idempotencyKey: string | null;
    }
  | { type: 'ping'; id: number | null }
  | { type: 'pong' }
  | Mistake;

/** A channel that a client subscribes to, and what it wants of before: one of the two at most. */
export interface Subscription {
  channel: string;
  /** What was missed behind a position. Its offset may be any number, and it need never have existed. */
  since: Position | null;
  /** The last publications, as many as this or as are kept. */
  last: number | null;
}

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
  /** In a channel with history: where the client stands behind what follows the answer; absent if that is not known now. */
  position?: Position;
  /** If it was asked what was missed: whether exactly that follows. */
  recovered?: boolean;
  /** Why not. */
  reason?: NotRecovered;
  /** In a channel with the latest values: how many of them follow the answer; absent if none are told. */
  snapshot?: number;
}

/**
 * Why a client does not get what it has missed:
 *
 * - `epoch_changed`: the channel is numbered anew; what was behind the position is not known.
 * - `not_kept`: some of it is not kept any more.
 * - `ahead`: the channel has never reached the position.
 * - `interrupted`: what is kept and what is live did not meet.
 * - `unavailable`: the history cannot be asked now.
 * - `too_much`: it is more than a node hands to one client.
 * - `no_history`: nothing of the channel is kept.
 */
export type NotRecovered =
  | 'epoch_changed'
  | 'not_kept'
  | 'ahead'
  | 'interrupted'
  | 'unavailable'
  | 'too_much'
  | 'no_history';

export interface Refused {
  channel: string;
  error: ErrorName;
  message: string;
}

/** The first two for channels without history, the others for those with one. */
export type GapReason = 'bridge' | 'bridge_away' | HistoryGapReason | 'healed';

/** `epoch_changed`: the channel is numbered anew. `not_kept`: what was missed is not kept any more. */
export type HistoryGapReason = 'epoch_changed' | 'not_kept';

/** Why what a client has of a channel is replaced. `conflated`: it was too slow, and was brought back. */
export type SnapshotReason = 'conflated' | HistoryGapReason;

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
  | {
      type: 'published';
      id: number;
      degraded: boolean;
      /** In a channel with history: that of the publication. */
      position?: Position;
      /** The idempotency key was used before: nothing was published now. Without a history there is no position then. */
      duplicate?: boolean;
    }
  | { type: 'ping' }
  | { type: 'pong'; id: number | null; time: number }
  /** To all: publications of other nodes do not reach this one from now on, in no channel. */
  | { type: 'degraded' }
  | { type: 'error'; id: number | null; error: ErrorName; message: string };
