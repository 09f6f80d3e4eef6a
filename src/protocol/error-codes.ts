/**
 * Every mistake that is answered with an error and leaves the connection open (docs/protocol.md, "Errors").
 *
 * 1xx: the command is wrong, repeating it does not help. 2xx: not now, try again later.
 */
export const errorCodes = {
  bad_request: 100,
  unknown_command: 101,
  not_connected: 102,
  already_connected: 103,
  unsupported_version: 104,
  bad_channel: 105,
  too_many_subscriptions: 107,
  payload_too_big: 109,
  bad_payload: 110,
  not_permitted: 111,
  too_many_keys: 112,
  unavailable: 200,
  outcome_unknown: 201,
  too_fast: 202,
} as const;

export type ErrorName = keyof typeof errorCodes;

export const errorNames = Object.keys(errorCodes) as ErrorName[];
