/**
 * What travels through a channel.
 */

/**
 * The content of a publication, exactly as its publisher sent it: text as a string, binary as bytes.
 *
 * Bytes belong to whoever produced them and are only valid during the call that hands them over: copy what you keep.
 */
export type Payload = string | Uint8Array;

/** Bytes that a payload takes on the wire at most: a UTF-16 unit becomes up to three bytes of UTF-8. */
export function maxBytesOf(payload: Payload): number {
  return typeof payload === 'string' ? payload.length * 3 : payload.byteLength;
}
