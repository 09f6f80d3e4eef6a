/**
 * Base64 (RFC 4648, section 4) where there is no `Buffer`.
 */

/** `String.fromCharCode` takes its bytes as arguments, of which an engine allows only so many. */
const bytesPerCall = 0x2000;

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let from = 0; from < bytes.length; from += bytesPerCall)
    binary += String.fromCharCode(...bytes.subarray(from, from + bytesPerCall));
  return btoa(binary);
}

/** @returns null for what is not base64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
