/**
 * A WebSocket that comes back: after a loss it waits and tries again, for as long as the page is there.
 *
 * The wait is random between 0 and a bound that doubles with each attempt ("full jitter"), so that the clients of a
 * node that stopped do not all return in the same instant. The bound starts anew only when a connection has proved
 * stable: a node that accepts and drops at once would otherwise be hammered. A node that says when to come back is taken at its
 * word: it has given others their own time (docs/protocol.md, "Close codes").
 */
import { explainClose, retryAfterMs } from './close-words.js';

const firstBoundMs = 500;
const maxBoundMs = 20_000;
/** A connection that lasted this long was a good one. */
const stableMs = 5_000;

/**
 * @typedef {{ name: 'connecting' } | { name: 'open' } | { name: 'waiting', why: string, retryAtMs: number }
 *   | { name: 'ended', why: string }} ConnectionState `retryAtMs` is on the clock of `performance.now()`
 */

/** How long to wait before an attempt; the first is attempt 0, `random` is in [0, 1). */
export function backoffMs(/** @type {number} */ attempt, /** @type {number} */ random) {
  return random * Math.min(maxBoundMs, firstBoundMs * 2 ** attempt);
}

export class ReconnectingSocket {
  #url;
  #onState;
  #onMessage;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #timer = 0;
  /** The node said how long to wait, so that a network that comes back is no reason to be early. */
  #obliged = false;
  #onOnline = () => {
    if (!this.#obliged) this.connectNow();
  };

  /**
   * Connects at once.
   *
   * @param {string} url
   * @param {{ onState(state: ConnectionState): void, onMessage(data: string | ArrayBuffer): void }} handlers
   */
  constructor(url, { onState, onMessage }) {
    this.#url = url;
    this.#onState = onState;
    this.#onMessage = onMessage;
    window.addEventListener('online', this.#onOnline);
    this.#connect();
  }

  /** @returns {boolean} false if it is not open; the text went nowhere then */
  send(/** @type {string} */ text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Cuts a wait short, or comes back after the end. Does nothing while a connection is open or being made. */
  connectNow() {
    if (this.#socket === null) this.#connect();
  }

  /** Leaves for good; no handler is called any more. */
  stop() {
    window.removeEventListener('online', this.#onOnline);
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #connect() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url);
    /** @type {number | null} */
    let openedAt = null;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      openedAt = performance.now();
      this.#onState({ name: 'open' });
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#onMessage(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(code, reason, openedAt);
    };
    this.#socket = socket;
    this.#onState({ name: 'connecting' });
  }

  /** @param {number} code @param {string} reason @param {number | null} openedAt */
  #lost(code, reason, openedAt) {
    this.#socket = null;
    this.#obliged = false;
    const { words, comeBack } = explainClose(code, { opened: openedAt !== null, online: navigator.onLine });
    if (!comeBack) {
      this.#onState({ name: 'ended', why: words });
      return;
    }
    if (openedAt !== null && performance.now() - openedAt >= stableMs) this.#attempt = 0;
    const told = retryAfterMs(reason);
    const waitMs = told ?? backoffMs(this.#attempt, Math.random());
    this.#obliged = told !== null;
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#connect(), waitMs);
    this.#onState({ name: 'waiting', why: words, retryAtMs: performance.now() + waitMs });
  }
}
