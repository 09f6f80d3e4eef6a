/**
 * The part of the browsers' WebSocket that the SDK uses. Browsers, Bun and Node from 22 on have one; the package `ws` has
 * one for older Nodes.
 */

export interface WebSocketEvent {
  readonly type: string;
  /** Of a message. */
  readonly data?: unknown;
  /** Of a close. */
  readonly code?: number;
  readonly reason?: string;
}

export interface WebSocketLike {
  /** The subprotocol that the server has chosen; empty if none. */
  readonly protocol: string;
  binaryType: string;
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    listener: (event: WebSocketEvent) => void,
  ): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;
