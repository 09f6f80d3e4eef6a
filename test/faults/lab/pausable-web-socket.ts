/**
 * The WebSocket of the package `ws` as the SDK takes it, which can stop reading: its kernel then tells the node so.
 */
import { WebSocket } from 'ws';

/** All that were made, the youngest last, so that a test can reach the one of its client. */
export function pausableWebSockets() {
  const made: WebSocket[] = [];
  class PausableWebSocket extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { perMessageDeflate: false });
      made.push(this);
    }
  }
  return { WebSocket: PausableWebSocket, made };
}

export const PlainWebSocket = pausableWebSockets().WebSocket;
