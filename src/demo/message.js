/**
 * What members say to each other: plain text, `Name: text`, so that a bare WebSocket in a console can read it and join
 * in. A room hands on whatever it gets, so nothing here can be relied on: anybody may use any name.
 */

export const maxNameChars = 32;
/** With the name at most 24,098 bytes of UTF-8, three for each UTF-16 unit: well below the 64 KiB that a node takes. */
export const maxTextChars = 8_000;

const named = new RegExp(`^([^:\\p{Cc}]{1,${maxNameChars}}): (.*)$`, 'su');

/** A name without what would end it early in `Name: text`; empty if nothing remains. */
export function cleanName(/** @type {string} */ name) {
  return name
    .slice(0, maxNameChars)
    .replace(/[\p{Cc}\s:]+/gu, ' ')
    .trim();
}

/** The text as the room will deliver it: WebSockets replace lone surrogates, and the echo must be recognised. */
export function compose(/** @type {string} */ name, /** @type {string} */ text) {
  return `${name}: ${text}`.toWellFormed();
}

/** @returns {{ author: string | null, text: string }} author is null if the message names none */
export function parse(/** @type {string} */ message) {
  const [, author = '', text = ''] = named.exec(message) ?? [];
  return author.trim() === '' ? { author: null, text: message } : { author: author.trim(), text };
}

/** @returns {string | null} the node's name in a hello frame; null if the frame is something else */
export function nodeInHello(/** @type {unknown} */ frame) {
  if (typeof frame !== 'string') return null;
  try {
    const { node } = JSON.parse(frame);
    return typeof node === 'string' ? node : null;
  } catch {
    return null; // Not JSON, so an ordinary message.
  }
}
