/**
 * The numbers that stand for names in MessagePack (docs/protocol.md). Shared with the SDK: nothing of Node.js here.
 */
import type { Command, GapReason, Reply } from './messages.ts';

/** What a client may say; a mistake is what we make of something else. */
export type CommandType = Exclude<Command['type'], 'mistake'>;

export const commandNumbers = {
  connect: 1,
  subscribe: 2,
  unsubscribe: 3,
  publish: 4,
  ping: 5,
  pong: 6,
} as const satisfies Record<CommandType, number>;

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
  snapshot: 10,
  degraded: 11,
} as const satisfies Record<Reply['type'] | 'batch' | 'gap' | 'snapshot', number>;

export const gapNumbers = {
  bridge: 1,
  bridge_away: 2,
  epoch_changed: 3,
  not_kept: 4,
  healed: 5,
} as const satisfies Record<GapReason, number>;

/** The extension type of a JSON payload, whose content is the JSON text in UTF-8. */
export const jsonExtensionType = 1;
