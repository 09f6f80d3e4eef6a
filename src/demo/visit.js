/**
 * One stay in one room: what arrives goes to the transcript, what is sent waits for its echo, and every gap is told.
 */
import { compose, nodeInHello, parse } from './message.js';
import { ReconnectingSocket } from './reconnecting-socket.js';
import { Unconfirmed } from './unconfirmed.js';

/** Asks the node for its name in the first frame: a page cannot read the headers of a handshake. */
const askForHello = '?hello=1';

export class Visit {
  #transcript;
  #status;
  #socket;
  #unconfirmed = new Unconfirmed();
  #isOpen = false;
  #awaitsHello = false;
  /** When the connection was lost, on the clock of `performance.now()`; null if it was not. @type {number | null} */
  #lostAt = null;

  /**
   * @param {string} url of the room's WebSocket
   * @param {import('./transcript.js').Transcript} transcript
   * @param {import('./connection-status.js').ConnectionStatus} status
   */
  constructor(url, transcript, status) {
    this.#transcript = transcript;
    this.#status = status;
    this.#socket = new ReconnectingSocket(url + askForHello, {
      onState: (state) => this.#changed(state),
      onMessage: (data) => this.#received(data, performance.now()),
    });
  }

  /** @returns {string | null} why it was not sent, in words for the author; null if it was */
  say(/** @type {string} */ name, /** @type {string} */ text) {
    if (this.#unconfirmed.full) return 'Too much is under way already: wait for some of it to come back.';
    const message = compose(name, text);
    const sentAt = performance.now();
    if (!this.#socket.send(message)) return 'Not connected: your text stays here until you can send it.';
    this.#unconfirmed.add(message, sentAt);
    this.#showPending();
    this.#transcript.goToEnd();
    return null;
  }

  connectNow() {
    this.#socket.connectNow();
  }

  leave() {
    this.#socket.stop();
  }

  /** @param {import('./reconnecting-socket.js').ConnectionState} state */
  #changed(state) {
    this.#status.setState(state);
    const wasOpen = this.#isOpen;
    this.#isOpen = state.name === 'open';
    if (this.#isOpen) {
      this.#awaitsHello = true;
      this.#tellGap();
    } else if (wasOpen && 'why' in state) {
      this.#lostAt = performance.now();
      this.#giveUpUnconfirmed();
      this.#transcript.note(`${state.why}. What is said from here on does not reach this page.`);
    }
  }

  #tellGap() {
    if (this.#lostAt === null) return;
    const seconds = Math.max(1, Math.round((performance.now() - this.#lostAt) / 1_000));
    this.#lostAt = null;
    this.#transcript.note(
      `Connected again after ${seconds} s. Messages from the time between may be missing.`,
    );
  }

  #giveUpUnconfirmed() {
    for (const message of this.#unconfirmed.giveUp())
      this.#transcript.add({ kind: 'undelivered', ...parse(message), own: true, at: new Date() });
    this.#showPending();
  }

  /** @param {string | ArrayBuffer} data @param {number} nowMs */
  #received(data, nowMs) {
    if (this.#awaitsHello) {
      this.#awaitsHello = false;
      const node = nodeInHello(data);
      this.#status.setNode(node);
      if (node !== null) return;
    }
    const at = new Date();
    if (typeof data !== 'string') {
      const text = data.byteLength === 1 ? 'binary, 1 byte' : `binary, ${data.byteLength} bytes`;
      this.#transcript.add({ kind: 'binary', author: null, text, own: false, at });
      return;
    }
    const roundTripMs = this.#unconfirmed.confirm(data, nowMs);
    if (roundTripMs !== null) {
      this.#status.setRoundTrip(roundTripMs);
      this.#showPending();
    }
    this.#transcript.add({ kind: 'message', ...parse(data), own: roundTripMs !== null, at });
  }

  #showPending() {
    this.#transcript.setPending(this.#unconfirmed.messages.map(parse));
  }
}
