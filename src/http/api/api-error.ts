/**
 * How the API says no: a status, and in the body the code and name that the protocol has for the mistake
 * (docs/protocol.md, "Errors"), so that a program needs one table for both.
 */
import { type ErrorName, errorCodes } from '../../protocol/error-codes.ts';
import type { HttpReply } from '../../transport/transport.ts';
import { json } from '../reply.ts';

/** Why a request, or one publication of it, is refused. */
export interface Refusal {
  readonly status: number;
  readonly error: ErrorName;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const statuses: Readonly<Record<ErrorName, number>> = {
  bad_request: 400,
  unknown_command: 404,
  not_connected: 400,
  already_connected: 400,
  unsupported_version: 400,
  bad_channel: 400,
  too_many_subscriptions: 400,
  payload_too_big: 413,
  bad_payload: 400,
  not_permitted: 403,
  too_many_keys: 400,
  unavailable: 503,
  outcome_unknown: 503,
  too_fast: 429,
};

/** A refusal with the status that its error has, unless HTTP knows a better one. */
export function refuse(
  error: ErrorName,
  message: string,
  { status = statuses[error], headers = {} }: Partial<Pick<Refusal, 'status' | 'headers'>> = {},
): Refusal {
  return { status, error, message, headers };
}

/** Said to nobody: the peer has gone. */
export const bodyAborted = refuse('bad_request', 'the body did not end');

/** The form in which a refusal stands in a body. */
export function errorOf({ error, message }: Pick<Refusal, 'error' | 'message'>) {
  return { code: errorCodes[error], name: error, message };
}

/** An answer that refuses; the transport ignores the name of the error, by which it is counted. */
export interface RefusalReply extends HttpReply {
  readonly error: ErrorName;
}

export function refusalReply(refusal: Refusal, more: object = {}): RefusalReply {
  const reply = json(refusal.status, { error: errorOf(refusal), ...more });
  return { ...reply, headers: { ...reply.headers, ...refusal.headers }, error: refusal.error };
}
