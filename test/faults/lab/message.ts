/**
 * What travels in the lab: every message says where it belongs, who sent it, which one it is and when, and carries a hash
 * of all that, so that each receiver can judge it alone.
 */
import { createHash } from 'node:crypto';

export interface LabMessage {
  channel: string;
  publisher: string;
  /** 1, 2, 3 … of this publisher in this channel. */
  number: number;
  /** On the clock of the lab (`performance.now()`), in milliseconds. */
  sentAt: number;
  /** Makes it as long as a scenario wants. */
  filler: string;
}

/** The message as it is published: by its number as a value of JSON, as text or as binary, so that every kind travels everywhere. */
export function sealed(message: LabMessage): Record<string, unknown> | string | Uint8Array {
  const value = { ...message, hash: hashOf(message) };
  if (message.number % 3 === 0) return value;
  const text = JSON.stringify(value);
  return message.number % 3 === 1 ? text : Buffer.from(text);
}

/** The message that arrived, `damaged` if the hash is not its own, null if it was none of ours. */
export function opened(published: unknown): LabMessage | 'damaged' | null {
  const data = valueIn(published);
  if (typeof data !== 'object' || data === null) return null;
  const { channel, publisher, number, sentAt, filler, hash } = data as Record<string, unknown>;
  if (typeof hash !== 'number') return null;
  const message = { channel, publisher, number, sentAt, filler } as LabMessage;
  return hashOf(message) === hash ? message : 'damaged';
}

function valueIn(published: unknown): unknown {
  if (typeof published !== 'string' && !(published instanceof Uint8Array)) return published;
  try {
    return JSON.parse(typeof published === 'string' ? published : Buffer.from(published).toString());
  } catch {
    return null;
  }
}

/** The first four bytes of a SHA-1: in native code, since some scenarios send much. */
function hashOf({ channel, publisher, number, sentAt, filler }: LabMessage): number {
  const text = `${channel}|${publisher}|${number}|${sentAt}|${filler}`;
  return createHash('sha1').update(text).digest().readUInt32BE(0);
}
