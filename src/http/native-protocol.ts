/**
 * Which native protocol a handshake gets.
 */
import type { Protocol } from '../connection/connection.ts';
import type { NativeState } from '../connection/native-state.ts';

/** The protocol of native clients in one codec. */
export interface NativeProtocol extends Protocol<NativeState> {
  readonly codec: { readonly subprotocol: string };
}

/** Names in Sec-WebSocket-Protocol that are looked at; the rest of a longer list is not. */
const maxSubprotocols = 32;

/**
 * The first of the offered ones that is known, or null.
 *
 * @param offered the header Sec-WebSocket-Protocol
 */
export function chooseNative(natives: readonly NativeProtocol[], offered: string): NativeProtocol | null {
  const names = offered.split(',', maxSubprotocols).map((name) => name.trim());
  for (const name of names) {
    const known = natives.find(({ codec }) => codec.subprotocol === name);
    if (known !== undefined) return known;
  }
  return null;
}

export function noneIsKnown(natives: readonly NativeProtocol[]): string {
  const known = natives.map(({ codec }) => codec.subprotocol).join(' and ');
  return `none of the offered subprotocols is known here; there are ${known}`;
}
