/**
 * What a program is told when something did not work.
 *
 * The hundred says what to do, as in docs/protocol.md: 1xx will not work by being repeated, 2xx may work later. Nodes never
 * send codes that end in 90 to 99; those are the SDK's own.
 */
import { type ErrorName, errorCodes } from '../protocol/error-codes.ts';

const localErrorCodes = {
  /** The program has closed the client, or left the channel. */
  closed: 190,
  /** A `for await` loop was slower than its channel for too long. */
  overflow: 191,
  /** The node has sent this client away for good. */
  sent_away: 192,
  /** There was no connection in time; nothing has been sent. */
  not_connected_in_time: 290,
  /** Too many publications wait for their acknowledgement; this one has not been sent. */
  too_many_pending: 291,
  /** The program's own `token` function failed. */
  token_failed: 292,
  /** The node, or something before it, does not speak the protocol. */
  unreadable: 293,
} as const;

export type OutcryErrorName = ErrorName | keyof typeof localErrorCodes;

const codes: Readonly<Record<string, number>> = { ...errorCodes, ...localErrorCodes };

/** A refusal of a node, or a failure on the way to it. */
export class OutcryError extends Error {
  /** A word from the table of codes; `error_<code>` when a newer node sent a code that is not known here. */
  override readonly name: string;
  readonly code: number;

  private constructor(name: string, code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
    this.code = code;
  }

  static of(name: OutcryErrorName, message: string, options?: ErrorOptions): OutcryError {
    return new OutcryError(name, codes[name] ?? 0, message, options);
  }

  /** An error as a node sent it. */
  static fromNode(code: number, message: string): OutcryError {
    const name = Object.keys(errorCodes).find((each) => codes[each] === code) ?? `error_${code}`;
    return new OutcryError(name, code, message);
  }

  /** Whether the same may work later. */
  get retryable(): boolean {
    return this.code >= 200 && this.code < 300;
  }
}
