/**
 * Publications of this program that have not been acknowledged: those that wait for a connection, and those that were sent.
 *
 * Bounded in count, bytes and time, so a program that publishes faster than its network, or while it is away, is told so
 * and never fills the memory. Nothing is sent twice: what was under way when a connection ended may or may not have arrived.
 */
import type { Clock, Timer } from './clock.ts';
import { OutcryError } from './outcry-error.ts';
import type { Outgoing } from './payload.ts';

const maxPending = 10_000;
const maxPendingBytes = 16_777_216;

export interface Published {
  /** The other nodes could not be reached; the subscribers of the client's own node got it. */
  degraded: boolean;
}

interface Pending {
  readonly id: number;
  readonly channel: string;
  readonly bytes: number;
  readonly deadlineAt: number;
  /** Null once it was sent. */
  payload: Outgoing | null;
  resolve(published: Published): void;
  reject(error: OutcryError): void;
}

/** A publication as it is handed to the connection. */
export interface Sendable {
  id: number;
  channel: string;
  payload: Outgoing;
}

export class PendingPublications {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** In order of time, and so of deadlines. */
  readonly #pending = new Map<number, Pending>();
  /** Those that were never sent, in order; some may be settled. */
  #unsent: Pending[] = [];
  #bytes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Keeps a publication until it is sent and answered. The bytes of the payload are not copied. */
  add(id: number, channel: string, payload: Outgoing): Promise<Published> {
    // A character is a byte or more; close enough for a bound.
    const bytes = payload.kind === 'binary' ? payload.bytes.length : payload.text.length;
    if (this.#pending.size >= maxPending || this.#bytes + bytes > maxPendingBytes)
      return Promise.reject(
        OutcryError.of(
          'too_many_pending',
          `${this.#pending.size} publications wait for their acknowledgement`,
        ),
      );
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      const deadlineAt = this.#clock.now() + this.#timeoutMs;
      const pending = { id, channel, bytes, deadlineAt, payload, resolve, reject };
      this.#pending.set(id, pending);
      this.#unsent.push(pending);
      if (this.#timer === null) this.#watch(this.#timeoutMs);
    });
  }

  /**
   * Hands what was never sent to `send`, in order; it is taken as sent then.
   *
   * @param send returns what is wrong with it, null if nothing
   */
  flush(send: (publication: Sendable) => OutcryError | null): void {
    for (const pending of this.#unsent.splice(0)) {
      const { id, channel, payload } = pending;
      if (payload === null || !this.#pending.has(id)) continue;
      pending.payload = null;
      const error = send({ id, channel, payload });
      if (error !== null) this.#settle(id)?.reject(error);
    }
  }

  acknowledged(id: number, degraded: boolean): string | null {
    const pending = this.#settle(id);
    pending?.resolve({ degraded });
    return pending?.channel ?? null;
  }

  /** @returns false if there is no such publication */
  refused(id: number, error: OutcryError): boolean {
    const pending = this.#settle(id);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** The connection ended: nobody will answer what was sent. What was not sent goes on waiting. */
  lost(): void {
    for (const { id, payload } of this.#pending.values())
      if (payload === null)
        this.#settle(id)?.reject(unknownOutcome('the connection ended before the answer came'));
  }

  /** Nothing will be sent or answered any more. */
  end(error: OutcryError): void {
    for (const { id, payload } of this.#pending.values())
      this.#settle(id)?.reject(payload === null ? unknownOutcome(error.message) : error);
    this.#unsent = [];
    this.#timer?.cancel();
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    this.#pending.delete(id);
    this.#bytes -= pending.bytes;
    return pending;
  }

  /** One timer for all: the first is always the next that is due. */
  #watch(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null;
      const now = this.#clock.now();
      for (const { id, payload, deadlineAt } of this.#pending.values()) {
        if (deadlineAt > now) {
          this.#watch(deadlineAt - now);
          break;
        }
        this.#settle(id)?.reject(
          payload === null
            ? unknownOutcome(`no answer within ${this.#timeoutMs} ms`)
            : OutcryError.of('not_connected_in_time', `no connection within ${this.#timeoutMs} ms`),
        );
      }
      this.#unsent = this.#unsent.filter(({ id }) => this.#pending.has(id));
    });
  }
}

function unknownOutcome(message: string): OutcryError {
  return OutcryError.of('outcome_unknown', message);
}
