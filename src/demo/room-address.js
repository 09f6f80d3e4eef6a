/**
 * Where a room is: its name, the page's URL that shares it, and the WebSocket behind it.
 */

/** The room behind `/`. */
export const defaultRoom = 'livechat';

const maxRoomBytes = 200;

/** @returns {string | null} what is wrong with the name, in words for its author; null if nothing is */
export function findRoomFlaw(/** @type {string} */ room) {
  if (room === '') return 'A room needs a name.';
  if (/\p{Cc}/u.test(room) || !room.isWellFormed()) return 'A room’s name has no control characters.';
  if (new TextEncoder().encode(room).length > maxRoomBytes)
    return `A room’s name is at most ${maxRoomBytes} bytes long.`;
  // A browser takes them for directories, percent-encoded as well, and would go to another room.
  if (room === '.' || room === '..') return 'No browser can go to a room of this name.';
  return null;
}

/** The room that the query of the page's URL names. */
export function roomInQuery(/** @type {string} */ query) {
  return new URLSearchParams(query).get('room') || defaultRoom;
}

/** Path and query of the page for a room; the default one has the plain address. */
export function pagePath(/** @type {string} */ room) {
  return room === defaultRoom ? '/' : `/?room=${encodeURIComponent(room)}`;
}

/**
 * @param {string} room
 * @param {{ protocol: string, host: string }} page where the page came from
 * @returns {string} the room's WebSocket, without a slash if nothing follows it
 */
export function socketUrl(room, { protocol, host }) {
  const node = `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}`;
  return room === defaultRoom ? node : `${node}/raw/${encodeURIComponent(room)}`;
}
