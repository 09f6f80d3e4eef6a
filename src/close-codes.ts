/**
 * Every code with which Outcry closes a WebSocket, and whether the client should come back.
 *
 * Numbers below 3000 are defined by RFC 6455, section 7.4.1, and the IANA close code registry; of those from 4000 on, which
 * are for private use, the lower half means "come back". The peer sees 1006 when a socket is terminated: no close frame
 * is sent, because a peer that does not read would never get it. 1006 means "come back".
 *
 * The reason is a JSON object, so that programs can read it: `{"reason":"stopping","retryAfterMs":1500}`.
 */

/** A close code, its meaning, and what a client should do about it. */
export interface CloseCode {
  readonly code: number;
  /** JSON text, at most 123 bytes of UTF-8, sent in the close frame (RFC 6455, section 5.5.1). */
  readonly reason: string;
  readonly comeBack: boolean;
}

export const closeCodes = {
  /** The node stops. */
  goingAway: comeBack(1001, 'stopping'),
  /** More pings or pongs than a connection may send. */
  controlFlood: stayAway(1008, 'control_flood'),
  /** A message is larger than `maxPayloadBytes`, or than the channel's namespace allows a raw client. */
  messageTooBig: stayAway(1009, 'message_too_big'),
  /** A handler failed; the bug is ours. */
  internalError: comeBack(1011, 'internal_error'),
  /** More clients come than this node takes in a second. */
  busy: comeBack(1013, 'busy'),
  /** A client that did not read as fast as its channels spoke, and has taken what waited for it. */
  slowConsumer: comeBack(4001, 'slow_consumer'),
  /** A raw client in whose room publications may be missing (`rawGap`). */
  gap: comeBack(4003, 'gap'),
  /** An operator ended it; other nodes are as good. */
  disconnectedToComeBack: comeBack(4002, 'disconnected'),
  /** A frame that cannot be read at all. */
  malformed: stayAway(4500, 'malformed'),
  /** A native client that did not connect in time. */
  connectTimeout: stayAway(4501, 'connect_timeout'),
  /** An operator ended it for good. */
  disconnected: stayAway(4502, 'disconnected'),
  /** A raw client published into a channel in which clients may not. */
  notPermitted: stayAway(4503, 'not_permitted'),
} as const satisfies Record<string, CloseCode>;

/** The same code, with the time after which the client should come back. */
export function retryAfter({ code, reason, comeBack }: CloseCode, retryAfterMs: number): CloseCode {
  return { code, reason: JSON.stringify({ ...JSON.parse(reason), retryAfterMs }), comeBack };
}

/** Whether a client that was closed with this code should come back. Codes of other programs count as in RFC 6455. */
export function shouldComeBack(code: number): boolean {
  return [1001, 1005, 1006, 1011, 1012, 1013, 1014].includes(code) || (code >= 4000 && code < 4500);
}

function comeBack(code: number, word: string): CloseCode {
  return { code, reason: JSON.stringify({ reason: word }), comeBack: true };
}

function stayAway(code: number, word: string): CloseCode {
  return { code, reason: JSON.stringify({ reason: word }), comeBack: false };
}

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
