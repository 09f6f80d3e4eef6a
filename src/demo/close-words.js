/**
 * Why a connection ended, in plain words, and whether to come back: RFC 6455, section 7.4.1, and what a node means.
 */

/** @typedef {{ words: string, comeBack: boolean }} Ending */

/** A day. Nobody who waits for longer still looks at the page, and a timer cannot. */
const longestRetryAfterMs = 86_400_000;

/** @type {Readonly<Record<number, Ending>>} */
const endings = {
  1000: { words: 'The node closed the connection', comeBack: true },
  1001: { words: 'The node is stopping', comeBack: true },
  1005: { words: 'The node closed the connection', comeBack: true },
  1006: { words: 'The connection was lost', comeBack: true },
  1008: { words: 'The node ended the connection, because it broke a rule', comeBack: false },
  1009: { words: 'A message was too big for this node', comeBack: false },
  1011: { words: 'Something failed inside the node', comeBack: true },
  1012: { words: 'The node is restarting', comeBack: true },
  1013: { words: 'The node is overloaded', comeBack: true },
};

/**
 * @param {number} code of the close event
 * @param {{ opened: boolean, online: boolean }} circumstances whether it was ever open; whether this device has a network
 * @returns {Ending}
 */
export function explainClose(code, { opened, online }) {
  if (!online) return { words: 'This device is offline', comeBack: true };
  if (!opened) return { words: 'The node cannot be reached', comeBack: true };
  // From 4500 on a code says that coming back would end the same way (docs/protocol.md, "Close codes").
  return (
    endings[code] ?? { words: `The connection was closed with code ${code}`, comeBack: !(code >= 4_500) }
  );
}

/**
 * How long a node asks to be left alone, from the reason of a close; null if it does not say.
 *
 * @param {string} reason
 * @returns {number | null}
 */
export function retryAfterMs(reason) {
  try {
    const { retryAfterMs: wait } = JSON.parse(reason);
    return typeof wait === 'number' && wait >= 0 ? Math.min(wait, longestRetryAfterMs) : null;
  } catch {
    return null; // Closed without a reason, or by something that is not Outcry.
  }
}
