/**
 * Every code with which Outcry closes a WebSocket, and whether the client should come back.
 *
 * Numbers below 3000 are defined by RFC 6455, section 7.4.1, and the IANA close code registry. The peer sees 1006 when
 * a socket is terminated: no close frame is sent, because a peer that does not read would never get it. 1006 means
 * "come back".
 */

/** A close code, its meaning, and what a client should do about it. */
export interface CloseCode {
  readonly code: number;
  /** UTF-8, at most 123 bytes, sent in the close frame (RFC 6455, section 5.5.1). */
  readonly reason: string;
  readonly comeBack: boolean;
}

export const closeCodes = {
  /** The node stops or is drained. */
  goingAway: { code: 1001, reason: 'the node is stopping', comeBack: true },
  /** More pings or pongs than a connection may send. */
  controlFlood: { code: 1008, reason: 'too many pings or pongs', comeBack: false },
  /** A message is larger than `maxPayloadBytes`. */
  messageTooBig: { code: 1009, reason: 'the message is too big', comeBack: false },
  /** A handler failed; the bug is ours. */
  internalError: { code: 1011, reason: 'internal error', comeBack: true },
} as const satisfies Record<string, CloseCode>;

/** Longest reason in a close frame: a control frame carries 125 bytes, two of them are the code. */
export const maxReasonBytes = 123;

/** Cuts a reason to `maxReasonBytes` of UTF-8 without splitting a character. */
export function fitReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= maxReasonBytes) return reason;
  let end = maxReasonBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  // Without `ignoreBOM` a byte order mark at the start would be swallowed.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, end));
}
