/**
 * Gives a program on a Node before 22 the WebSocket that later ones have: `node --import …/web-socket-global.mjs`.
 */
import { WebSocket } from 'ws';

Object.assign(globalThis, { WebSocket: globalThis.WebSocket ?? WebSocket });
