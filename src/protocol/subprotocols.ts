/**
 * Names of the WebSocket subprotocols of the native protocol (docs/protocol.md).
 */

export const jsonSubprotocol = 'outcry.v1.json';
export const msgpackSubprotocol = 'outcry.v1.msgpack';
