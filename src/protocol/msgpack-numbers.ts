/**
 * What stands for words in the MessagePack form of the native protocol (docs/protocol.md).
 */
import type { GapReason } from './messages.ts';

/** First element of each message of a client. */
export const commandNumbers = {
  connect: 1,
  subscribe: 2,
  unsubscribe: 3,
  publish: 4,
  ping: 5,
  pong: 6,
} as const;

/** First element of each message of a node. */
export const replyNumbers = {
  connected: 1,
  subscribed: 2,
  unsubscribed: 3,
  published: 4,
  ping: 5,
  pong: 6,
  batch: 7,
  gap: 8,
  error: 9,
} as const;

export const gapNumbers = { bridge: 1, bridge_away: 2 } as const satisfies Record<GapReason, number>;

/** Extension type of a payload that is JSON: its text in UTF-8. */
export const jsonExtension = 1;
