/**
 * Publications of this program that have not been acknowledged: those that wait for a connection, and those that were sent.
 *
 * Bounded in count, bytes and time, so a program that publishes faster than its network, or while it is away, is told so
 * and never fills the memory.
 *
 * What was under way when a connection ended may or may not have arrived, and is not sent again: it could arrive twice. With
 * an idempotency key it is, because nodes take a key once; but not when they could have forgotten it.
 */
import type { Clock, Timer } from './clock.ts';
import { OutcryError } from './outcry-error.ts';
import type { Message, Sendable } from './wire.ts';

const maxPending = 10_000;
const maxPendingBytes = 16_777_216;
/** From the first time on; nodes know a key for five minutes (`idempotencyWindowMs`). */
const maxResendingMs = 240_000;

export interface Published {
  /** The other nodes could not be reached; the subscribers of the client's own node got it. */
  degraded: boolean;
  /** Its position in the history of the channel; null if there is none. */
  epoch: string | null;
  offset: number | null;
  /** Its idempotency key had been there before: nothing was published, the position is the old one. */
  duplicate: boolean;
}

interface Pending extends Sendable {
  readonly bytes: number;
  readonly deadlineAt: number;
  /** When it was sent first; null before. */
  sentAt: number | null;
  resolve(published: Published): void;
  reject(error: OutcryError): void;
}

export type Acknowledgement = Omit<Extract<Message, { type: 'published' }>, 'type'>;

export class PendingPublications {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** In order of time, and so of deadlines. */
  readonly #pending = new Map<number, Pending>();
  /** Those that are to be sent, in order; some may be settled. */
  #unsent: Pending[] = [];
  #bytes = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Keeps a publication until it is sent and answered. The bytes of the payload are not copied. */
  add(sendable: Sendable): Promise<Published> {
    const { id, payload } = sendable;
    // A character is a byte or more; close enough for a bound.
    const bytes = payload === null ? 0 : (payload.kind === 'binary' ? payload.bytes : payload.text).length;
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
      const pending = { ...sendable, bytes, deadlineAt, sentAt: null, resolve, reject };
      this.#pending.set(id, pending);
      this.#unsent.push(pending);
      if (this.#timer === null) this.#watch(this.#timeoutMs);
    });
  }

  /**
   * Hands what is to be sent to `send`, in order; it is taken as sent then.
   *
   * @param send returns what is wrong with it, null if nothing
   */
  flush(send: (publication: Sendable) => OutcryError | null): void {
    for (const pending of this.#unsent.splice(0)) {
      const { id } = pending;
      if (!this.#pending.has(id)) continue;
      const now = this.#clock.now();
      pending.sentAt ??= now;
      const error =
        now - pending.sentAt > maxResendingMs
          ? unknownOutcome('the connection came back too late')
          : send(pending);
      if (error !== null) this.#settle(id)?.reject(error);
    }
  }

  /** @returns the channel, null if there is no such publication */
  acknowledged({ id, degraded, position, duplicate }: Acknowledgement): string | null {
    const pending = this.#settle(id);
    if (pending === undefined) return null;
    const { epoch, offset } = position ?? { epoch: null, offset: null };
    pending.resolve({ degraded, epoch, offset, duplicate });
    return pending.channel;
  }

  /** @returns false if there is no such publication */
  refused(id: number, error: OutcryError): boolean {
    const pending = this.#settle(id);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** The connection ended: nobody will answer what was sent. What was not sent, or may be sent again, goes on waiting. */
  lost(): void {
    for (const { id, sentAt, idempotencyKey } of this.#pending.values())
      if (sentAt !== null && idempotencyKey === null)
        this.#settle(id)?.reject(unknownOutcome('the connection ended before the answer came'));
    this.#unsent = [...this.#pending.values()];
  }

  /** Nothing will be sent or answered any more. */
  end(error: OutcryError): void {
    for (const { id, sentAt } of this.#pending.values())
      this.#settle(id)?.reject(sentAt === null ? error : unknownOutcome(error.message));
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
      for (const { id, sentAt, deadlineAt } of this.#pending.values()) {
        if (deadlineAt > now) {
          this.#watch(deadlineAt - now);
          break;
        }
        this.#settle(id)?.reject(
          sentAt === null
            ? OutcryError.of('not_connected_in_time', `no connection within ${this.#timeoutMs} ms`)
            : unknownOutcome(`no answer within ${this.#timeoutMs} ms`),
        );
      }
      this.#unsent = this.#unsent.filter(({ id }) => this.#pending.has(id));
    });
  }
}

function unknownOutcome(message: string): OutcryError {
  return OutcryError.of('outcome_unknown', message);
}
