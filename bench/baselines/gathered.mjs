/**
 * Batching by hand: what is published within a fixed time goes out as one message for each channel, all channels in the
 * same turn.
 */

/**
 * @param {number} windowMs
 * @param {(channel: string, messages: Buffer) => void} publish
 * @returns {(channel: string, message: Buffer) => void}
 */
export function gathering(windowMs, publish) {
  /** @type {Map<string, Buffer[]>} */
  let gathered = new Map();
  const flush = () => {
    const due = gathered;
    gathered = new Map();
    for (const [channel, messages] of due) publish(channel, Buffer.concat(messages));
  };
  return (channel, message) => {
    const messages = gathered.get(channel);
    if (messages) {
      messages.push(message);
      return;
    }
    if (gathered.size === 0) setTimeout(flush, windowMs);
    gathered.set(channel, [message]);
  };
}
