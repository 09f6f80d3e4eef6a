/**
 * What a browser holds after somebody has shown it the admin key: a pass to the dashboard, and to nothing else.
 *
 * A browser cannot send the key with the handshake of a WebSocket, and an address is no place for it. So the key is shown once, in a
 * header, for a cookie that no script can read. The pass is its end of life, signed with the key: no node keeps a list, every node with the
 * same key takes it, a restart does not matter, and another key ends all of them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const cookieName = 'outcry_dashboard';

/** A working day, and no more than a day, of whoever leaves without saying goodbye. */
export const passSeconds = 43_200;

/** @param now milliseconds since 1970 */
export function issuePass(key: string, now: number): string {
  const expiresAt = Math.floor(now / 1_000) + passSeconds;
  return `${expiresAt}.${sign(key, expiresAt).toString('hex')}`;
}

/** True for a pass that was signed with this key and has not expired. */
export function isPass(key: string, pass: string, now: number): boolean {
  const [, expiresAt, signature] = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(pass) ?? [];
  if (expiresAt === undefined || signature === undefined) return false;
  if (!timingSafeEqual(sign(key, Number(expiresAt)), Buffer.from(signature, 'hex'))) return false;
  return Number(expiresAt) * 1_000 > now;
}

/**
 * The header that has a browser keep a pass, or with an empty one forget it.
 *
 * @param secure the browser speaks TLS with whoever stands in front of this node
 */
export function setCookie(pass: string, secure: boolean): string {
  const age = pass === '' ? 0 : passSeconds;
  return `${cookieName}=${pass}; Max-Age=${age}; Path=/dashboard; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/** The passes in a Cookie header; two nodes behind different paths of one name may each have set one. */
export function passesIn(cookies: string | null): string[] {
  return (cookies ?? '').split(';').flatMap((pair) => {
    const [name, value = ''] = pair.trim().split('=', 2);
    return name === cookieName ? [value] : [];
  });
}

function sign(key: string, expiresAt: number): Buffer {
  return createHmac('sha256', key).update(`outcry dashboard until ${expiresAt}`).digest();
}
