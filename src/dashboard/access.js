/**
 * Whether this browser may watch, and showing the key for it. The key goes into one header and is kept nowhere: what remains is a cookie
 * that no script can read (src/http/dashboard-pass.ts).
 */

const path = 'dashboard/session';

/** @returns {Promise<{ needsKey: boolean, open: boolean }>} */
export async function access() {
  const reply = await fetch(path, { cache: 'no-store' });
  return await reply.json();
}

/** @returns {Promise<boolean>} false for a wrong key */
export async function showKey(/** @type {string} */ key) {
  // What no header can carry is no key either.
  if (!/^[\x20-\x7e]+$/.test(key)) return false;
  const reply = await fetch(path, { method: 'POST', headers: { Authorization: `Bearer ${key}` } });
  return reply.ok;
}

export async function leave() {
  await fetch(path, { method: 'DELETE' });
}
