/**
 * Whether a client offers compression on terms that both runtimes keep (RFC 7692, section 7).
 *
 * They compress with a window of 32 KiB that starts empty for each message, and would answer a wish for a smaller one with
 * a promise that they do not keep, or not answer it: an offer with `server_max_window_bits` is declined, and so is all
 * that is malformed. Whoever is declined is served all the same, uncompressed. Time is linear in the bytes of the header,
 * which are bounded by `maxHeaderBytes`.
 */
import type { HttpRequest } from '../transport/transport.ts';

/** Names of parameters with the values that they may have; '' is none. */
const acceptable: ReadonlyMap<string, RegExp> = new Map([
  ['client_no_context_takeover', /^$/],
  ['server_no_context_takeover', /^$/],
  // The server need not answer it; it can read what any window has made.
  ['client_max_window_bits', /^(?:|[89]|1[0-5])$/],
]);

/** True if one of the extensions that the client offers is permessage-deflate as we can agree on it. */
export function offersDeflate(request: Pick<HttpRequest, 'header'>): boolean {
  const offers = request.header('sec-websocket-extensions');
  return offers?.includes('permessage-deflate') === true && offers.split(',').some(isAcceptable);
}

function isAcceptable(offer: string): boolean {
  const [name, ...parameters] = offer.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') return false;
  const seen = new Set<string>();
  return parameters.every((parameter) => {
    const [key = '', value] = split(parameter);
    if (seen.has(key)) return false;
    seen.add(key);
    return acceptable.get(key)?.test(value) === true;
  });
}

/** A value may stand in quotes (RFC 6455, section 9.1); one that is missing behind its `=` is none that is allowed. */
function split(parameter: string): [key: string, value: string] {
  const equals = parameter.indexOf('=');
  if (equals === -1) return [parameter, ''];
  const value = parameter.slice(equals + 1).trim();
  const bare = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  return [parameter.slice(0, equals).trim(), bare === '' ? '""' : bare];
}
