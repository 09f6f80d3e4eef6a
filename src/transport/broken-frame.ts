/**
 * Why a runtime ended a WebSocket by itself. Both are uWebSockets inside: whatever the peer sees, they report 1006 and say
 * what was wrong in words, which are read here and nowhere else.
 *
 * A peer cannot put these words there: 1006 is not allowed in a close frame (RFC 6455, section 7.4.1).
 */

/** The code for what was broken; `code` as it is if nothing was, or if nothing is said. */
export function closingCode(code: number, reason: string): number {
  if (code !== 1006 || !reason.startsWith('Received ')) return code;
  if (reason.startsWith('Received too big message')) return 1009;
  if (reason === 'Received invalid UTF-8' || reason === 'Received invalid compressed data') return 1007;
  // The connection ended without a close frame, which is what 1006 means.
  if (reason.startsWith('Received TCP FIN')) return code;
  return 1002;
}
