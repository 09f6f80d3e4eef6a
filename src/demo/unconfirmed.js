/**
 * What this page sent and has not heard back yet. The room delivers to the sender too, so the echo is the proof of
 * delivery, and the time until it comes is the round trip.
 *
 * An echo is known by its text only: should somebody else say exactly the same meanwhile, theirs confirms ours.
 */

/** So many at most wait for their echo; more would only queue up in a connection that does not keep up. */
const maxUnconfirmed = 100;

export class Unconfirmed {
  /** @type {{ message: string, sentAt: number }[]} */
  #sent = [];

  get full() {
    return this.#sent.length >= maxUnconfirmed;
  }

  get messages() {
    return this.#sent.map(({ message }) => message);
  }

  add(/** @type {string} */ message, /** @type {number} */ nowMs) {
    this.#sent.push({ message, sentAt: nowMs });
  }

  /** @returns {number | null} the round trip in ms; null if the message is not one of ours */
  confirm(/** @type {string} */ message, /** @type {number} */ nowMs) {
    const index = this.#sent.findIndex((sent) => sent.message === message);
    if (index === -1) return null;
    const [confirmed] = this.#sent.splice(index, 1);
    return nowMs - confirmed.sentAt;
  }

  /** Gives up on all: the connection is gone, and no echo will come. @returns {string[]} their texts, oldest first */
  giveUp() {
    const lost = this.messages;
    this.#sent = [];
    return lost;
  }
}
