/**
 * The clock of the node as seen from here, so that the age of a publication does not depend on whether the clock of this
 * machine is right.
 *
 * Each answer of the node carries its time. It was read somewhere between question and answer, so half of the round trip
 * is the best guess and also the largest error; the answer with the shortest round trip counts.
 */
import type { Clock } from './clock.ts';

export class NodeClock {
  readonly #clock: Clock;
  #offsetMs = 0;
  #roundTripMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since 1970 by the node's clock; may have a fraction. */
  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  /**
   * The node answered now.
   *
   * @param askedAt on our clock
   * @param nodeTime in the answer, in milliseconds since 1970
   */
  answered(askedAt: number, nodeTime: number): void {
    const roundTripMs = this.#clock.now() - askedAt;
    if (roundTripMs > this.#roundTripMs) return;
    this.#roundTripMs = roundTripMs;
    this.#offsetMs = nodeTime - (askedAt + roundTripMs / 2);
  }

  /** Another node may have another clock: its first answer counts, however long it took. */
  forget(): void {
    this.#roundTripMs = Number.POSITIVE_INFINITY;
  }
}
