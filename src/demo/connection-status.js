/**
 * The connection as the page tells of it: a word and a dot in the masthead, and below it the reason and the countdown
 * while there is no connection.
 */

/** @typedef {import('./reconnecting-socket.js').ConnectionState} ConnectionState */

/** @type {Readonly<Record<ConnectionState['name'], string>>} */
const words = { connecting: 'Connecting', open: 'Open', waiting: 'Reconnecting', ended: 'Closed' };

/** Often enough for the seconds to change on time. */
const countdownEveryMs = 200;

export class ConnectionStatus {
  #body;
  #parts;
  #timer = 0;

  /**
   * @param {HTMLElement} body carries `data-state`, `data-room` and `data-node`
   * @param {Record<'state' | 'node' | 'roundTrip' | 'notice' | 'why' | 'countdown', HTMLElement>} parts
   */
  constructor(body, parts) {
    this.#body = body;
    this.#parts = parts;
  }

  /** Nothing is known of the connection to this room yet. */
  enter(/** @type {string} */ room) {
    this.#body.dataset.room = room;
    this.#parts.roundTrip.textContent = '–';
    delete this.#parts.roundTrip.dataset.ms;
    this.setNode(null);
    this.#parts.notice.hidden = true;
  }

  setState(/** @type {ConnectionState} */ state) {
    const { state: word, notice, why, countdown } = this.#parts;
    clearInterval(this.#timer);
    this.#body.dataset.state = state.name;
    word.textContent = words[state.name];
    if (state.name === 'open') notice.hidden = true;
    if (state.name === 'connecting') countdown.textContent = 'Trying again now…';
    if (state.name === 'waiting' || state.name === 'ended') {
      notice.hidden = false;
      why.textContent = `${state.why}.`;
      countdown.textContent = '';
    }
    if (state.name === 'waiting') this.#countDown(state.retryAtMs);
    if (state.name !== 'open') this.setNode(null);
  }

  setNode(/** @type {string | null} */ node) {
    this.#parts.node.textContent = node ?? '–';
    if (node === null) delete this.#body.dataset.node;
    else this.#body.dataset.node = node;
  }

  setRoundTrip(/** @type {number} */ ms) {
    this.#parts.roundTrip.dataset.ms = ms.toFixed(2);
    this.#parts.roundTrip.textContent = `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  }

  #countDown(/** @type {number} */ untilMs) {
    const tick = () => {
      const seconds = Math.max(1, Math.ceil((untilMs - performance.now()) / 1_000));
      this.#parts.countdown.textContent = `Reconnecting in ${seconds} s.`;
    };
    tick();
    this.#timer = setInterval(tick, countdownEveryMs);
  }
}
