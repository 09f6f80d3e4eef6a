/**
 * The key of the admin listener, and who needs none.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpReply, HttpRequest } from '../transport/transport.ts';
import { plain } from './reply.ts';

/** For whoever did not send it. */
export const howToAuthorize = 'send the admin key as "Authorization: Bearer KEY"';
export const challengeHeaders = { 'WWW-Authenticate': 'Bearer realm="outcry admin"' };

/** Names of this machine for itself, with or without a port. */
const ownName = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d+)?$/;

export class AdminKey {
  /** Null where none is needed: on loopback. */
  readonly secret: string | null;
  readonly #digest: Buffer | null;

  constructor(secret: string | null) {
    this.secret = secret;
    this.#digest = secret === null ? null : digest(secret);
  }

  get isSet(): boolean {
    return this.secret !== null;
  }

  /**
   * True if the request carries the key, or none is needed. Compares digests of equal length in constant time, so that an answer
   * tells nothing about the key.
   */
  opens(request: HttpRequest): boolean {
    if (this.#digest === null) return true;
    const given = /^Bearer (.{1,256})$/i.exec(request.header('authorization') ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), this.#digest);
  }

  /** False for a page of another name that was made to lead here: it must not use what the browser's user may use. */
  isOwnName(request: HttpRequest): boolean {
    return ownName.test(request.header('host') ?? '');
  }

  /** The answer to a request that carries no key, or a wrong one. */
  challenge(): HttpReply {
    return plain(401, howToAuthorize, challengeHeaders);
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
