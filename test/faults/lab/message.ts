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

/** The message in the form in which it is published, as a value of JSON. */
export function sealed(message: LabMessage): Record<string, unknown> {
  return { ...message, hash: hashOf(message) };
}

/** The message that arrived, `damaged` if the hash is not its own, null if it was none of ours. */
export function opened(data: unknown): LabMessage | 'damaged' | null {
  if (typeof data !== 'object' || data === null) return null;
  const { channel, publisher, number, sentAt, filler, hash } = data as Record<string, unknown>;
  if (typeof hash !== 'number') return null;
  const message = { channel, publisher, number, sentAt, filler } as LabMessage;
  return hashOf(message) === hash ? message : 'damaged';
}

/** The first four bytes of a SHA-1: in native code, since some scenarios send much. */
function hashOf({ channel, publisher, number, sentAt, filler }: LabMessage): number {
  const text = `${channel}|${publisher}|${number}|${sentAt}|${filler}`;
  return createHash('sha1').update(text).digest().readUInt32BE(0);
}
