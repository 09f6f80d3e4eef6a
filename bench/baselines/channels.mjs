/**
 * Which channels a subscriber wants and where a message belongs, without a protocol: `?channels=3,5`, and three bytes of
 * the message itself (`generator/record.ts`).
 */

/** @param {string} url */
export function channelsIn(url) {
  return url.split('?channels=')[1]?.split(',').filter(Boolean) ?? [];
}

/** @param {Uint8Array} message */
export function channelOf(message) {
  const [low = 0, middle = 0, high = 0] = [message[12], message[13], message[14]];
  return String(low | (middle << 8) | (high << 16));
}
